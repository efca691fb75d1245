// SPDX-License-Identifier: MIT
/// A pipe for datagrams between two processes that share UDP sockets (hot restart). Which datagram
/// goes over it is not decided here. Not public.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <quoin/datagram.hpp>
#include <quoin/error.hpp>

#include "io/udp/descriptor.hpp"

namespace quoin::inline v0::io {

/// One end. send() and receive() may be used by one thread each at the same time.
class Relay {
 public:
  /// A message with the longest train there is.
  static constexpr std::size_t max_message = 66'000;

  /// Takes the descriptor.
  explicit Relay(int fd) noexcept;

  /// Both ends of a new one, as descriptors that the caller must close. Errors: system.
  [[nodiscard]] static Result<std::pair<int, int>> make_pair();

  /// Passes a datagram or train on; one that finds no room is lost and counted. False: the other
  /// end is closed, so it was not taken.
  [[nodiscard]] bool send(const Datagram& datagram) noexcept;

  /// The next one, with its payload in `room` (max_message bytes); never blocks. None: there is
  /// nothing at present, or nothing any more, see is_over().
  [[nodiscard]] std::optional<Datagram> receive(std::span<std::byte> room) noexcept;

  /// receive() found that the other end is closed and everything was read.
  [[nodiscard]] bool is_over() const noexcept { return is_over_; }

  /// From now on the other end's send() says that this one is closed; what is under way can still
  /// be received.
  void close_receiving() noexcept;

  /// How many found no room.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(); }

  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }

 private:
  Descriptor socket_;
  bool is_over_ = false;
  std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace quoin::inline v0::io
