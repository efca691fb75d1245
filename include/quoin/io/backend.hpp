// SPDX-License-Identifier: MIT
/// The seam between the library and whatever moves datagrams: sockets, a simulation, your own
/// network stack. A backend knows nothing of QUIC.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::io {

using quoin::Capabilities;
using quoin::PathError;

/// Sockets, clock and randomness behind one loop. All members but wake() are called by the one
/// thread that runs the loop. Implement it to bring your own I/O.
class QUOIN_EXPORT Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  /// The present. Never goes backwards; the only clock the library uses.
  [[nodiscard]] virtual Time now() const noexcept = 0;
  /// Fills `out` with unpredictable bytes (a simulation: with reproducible ones).
  virtual void fill_random(std::span<std::byte> out) noexcept = 0;

  /// Opens a socket and returns the address it got. Port 0: any free port. The unspecified
  /// address: all addresses of its family; [::] takes IPv4 too where the system allows it, and
  /// IPv4 peers then appear as IPv4 addresses, not as mapped ones.
  /// Errors: system, for example EADDRINUSE, with the address.
  [[nodiscard]] virtual Result<Address> open(const Address& local) = 0;
  /// The address (port 0) that datagrams to `remote` leave from by default: a client puts it, with
  /// its socket's port, into its first path, so that the path does not seem to change when the
  /// first answer reveals the true address. Default: the unspecified address of the family, for
  /// "not known". Errors: system, for example ENETUNREACH.
  [[nodiscard]] virtual Result<Address> source_for(const Address& remote);
  /// Closes the socket that open() returned `local` for. Unknown addresses are ignored.
  virtual void close(const Address& local) noexcept = 0;
  /// What works at present; see Capabilities.
  [[nodiscard]] virtual Capabilities capabilities() const noexcept = 0;

  /// Blocks until something was received, sending became possible again, wake() was called, or
  /// `deadline` has come (none: no limit). It may return early.
  virtual void wait(std::optional<Time> deadline) = 0;
  /// Takes what has arrived, at most one batch; never blocks. Empty: nothing (more) has arrived.
  /// The views stay valid until the next call of receive().
  [[nodiscard]] virtual std::span<const Datagram> receive() = 0;
  /// Sends from the front of `batch`, never blocks, and returns how many it has copied or sent. If
  /// fewer than all, the caller offers the rest again after wait(). `path.local` names the source
  /// address; a datagram that cannot be sent (too large for the link, no route) counts as taken and
  /// lost.
  [[nodiscard]] virtual std::size_t send(std::span<const Datagram> batch) = 0;

  /// The path errors since the last call; valid until the next one. Default: none.
  [[nodiscard]] virtual std::span<const PathError> errors() { return {}; }

  /// Makes a present or the next wait() return. The only member that other threads may call.
  virtual void wake() noexcept = 0;

  /// A descriptor that is readable when wait() would return, for use in a foreign event loop;
  /// -1 if there is none.
  [[nodiscard]] virtual int descriptor() const noexcept { return -1; }

  /// Which backend this is and which of its features are on, in one line for people.
  [[nodiscard]] virtual std::string describe() const = 0;
};

/// The best backend of this system: epoll on Linux. Always succeeds; failures (such as no
/// descriptors left) are reported by open().
[[nodiscard]] QUOIN_EXPORT std::unique_ptr<Backend> system_backend();

}  // namespace quoin::inline v0::io
