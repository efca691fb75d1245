// SPDX-License-Identifier: MIT
/// A pipe for datagrams between two processes that share UDP sockets (hot restart). It does not
/// decide which datagrams go over it. Not public.
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
  /// A message with the longest possible train.
  static constexpr std::size_t max_message = 66'000;

  /// Takes the descriptor.
  explicit Relay(int fd) noexcept;

  /// Both ends of a new one, as descriptors that the caller must close. Errors: system.
  [[nodiscard]] static Result<std::pair<int, int>> make_pair();

  /// Relays a datagram or train; without room it is lost and counted. False: the other end is
  /// closed, so it was not taken.
  [[nodiscard]] bool send(const Datagram& datagram) noexcept;

  /// The next one, with its payload in `room` (max_message bytes); never blocks. None: nothing at
  /// present, or nothing ever again, see is_over().
  [[nodiscard]] std::optional<Datagram> receive(std::span<std::byte> room) noexcept;

  /// receive() found that the other end is closed and everything was read.
  [[nodiscard]] bool is_over() const noexcept { return is_over_; }

  /// From now on the other end's send() returns false; what is under way can still be received.
  void close_receiving() noexcept;

  /// How many were lost for lack of room.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(); }

  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }

 private:
  Descriptor socket_;
  bool is_over_ = false;
  std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace quoin::inline v0::io
