// SPDX-License-Identifier: MIT
/// What a multishot receive is asked for, and how what it puts into a buffer is read.
#pragma once

#include <cstddef>
#include <liburing.h>
#include <optional>
#include <sys/socket.h>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>

#include "io/udp/udp_socket.hpp"

namespace quoin::inline v0::io {

/// Bytes of a buffer: a whole train, and what stands before it.
inline constexpr std::size_t receive_buffer_size = ReceiveBatch::max_message + 256;

/// Makes `entry` a receive on `descriptor` that goes on; `room`, which is filled in, must live as
/// long.
void prepare_receive(io_uring_sqe& entry, int descriptor, msghdr& room) noexcept;

/// Reads the `size` bytes that such a receive put into a buffer, from the socket bound to `bound`.
/// None: an empty datagram, which can be no QUIC packet, or one that was cut off.
[[nodiscard]] std::optional<Datagram> read_message(std::byte* buffer, int size, msghdr& room,
                                                   const Address& bound);

}  // namespace quoin::inline v0::io
