// SPDX-License-Identifier: MIT
/// Setting up a multishot receive, and reading what it puts into a buffer.
#pragma once

#include <cstddef>
#include <liburing.h>
#include <optional>
#include <sys/socket.h>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>

#include "io/udp/udp_socket.hpp"

namespace quoin::inline v0::io {

/// Bytes of a buffer: a whole train, and what precedes it.
inline constexpr std::size_t receive_buffer_size = ReceiveBatch::max_message + 256;

/// Makes `entry` a multishot receive on `descriptor`; `room`, which is filled in, must live as
/// long.
void prepare_receive(io_uring_sqe& entry, int descriptor, msghdr& room) noexcept;

/// Reads the `size` bytes that such a receive put into a buffer, from the socket bound to `bound`.
/// None: an empty datagram, which cannot be a QUIC packet, or a truncated one.
[[nodiscard]] std::optional<Datagram> read_message(std::byte* buffer, int size, msghdr& room,
                                                   const Address& bound);

}  // namespace quoin::inline v0::io
