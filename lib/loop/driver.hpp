// SPDX-License-Identifier: MIT
/// What runs on a loop: the internal seam between Loop and the facade (Server, Client, Listener,
/// Dialer). Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <quoin/datagram.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {

/// One user of a loop's sockets, with an engine behind it. The loop calls these members in the
/// order of declaration, each with the time of the turn, but only in turns with something to do: a
/// datagram or path error has arrived, a deadline has expired, or wake_driver() was called.
class Driver {
 public:
  /// None: the driver is not attached.
  static constexpr std::uint32_t no_seat = UINT32_MAX;

  Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  virtual ~Driver() = default;

  /// A datagram (or train) for a socket that this driver opened.
  virtual void handle_datagram(const Datagram& datagram, Time now) = 0;
  virtual void handle_path_error(const io::PathError& error, Time now) = 0;
  /// Called when poll_timeout() is not after `now`.
  virtual void handle_timeout(Time now) = 0;
  /// Runs the application's handlers for the engine's events.
  virtual void dispatch(Time now) = 0;
  /// The next train to send, built in `buffer`, or none. Called until none, or until the backend
  /// takes no more (then again in a later turn).
  [[nodiscard]] virtual std::optional<Datagram> poll_transmit(std::span<std::byte> buffer,
                                                              Time now) = 0;
  /// When to call handle_timeout(). Asked after the members above were called, and before
  /// handle_timeout() is.
  [[nodiscard]] virtual std::optional<Time> poll_timeout() const noexcept = 0;

  /// For the loop: the driver's place.
  std::uint32_t seat = no_seat;
};

/// Gives the driver its place on the loop, although it has no socket yet.
void attach(Loop& loop, Driver& driver);
/// The sockets of a loop are shared out by their local address.
/// Opens a socket for `driver`, which is attached; datagrams for it go there. Errors: those of
/// io::Backend::open().
[[nodiscard]] Result<Address> open_socket(Loop& loop, Driver& driver, const Address& local);
/// As open_socket() with a socket that another process opened; takes the descriptor. Errors:
/// system; UsageError::invalid_argument if the backend has no such sockets.
[[nodiscard]] Result<Address> adopt_socket(Loop& loop, Driver& driver, int descriptor);
/// Closes a socket opened for a driver.
void close_socket(Loop& loop, const Address& local) noexcept;
/// Forgets the driver and closes all its sockets. Safe in a handler: the driver is not called
/// again, whatever the loop is doing.
void detach(Loop& loop, Driver& driver) noexcept;
/// Asks for dispatch() and poll_transmit() soon, because a command was queued in `driver`. Ignored
/// for one that is not attached.
void wake_driver(Loop& loop, const Driver& driver) noexcept;

}  // namespace quoin::inline v0
