// SPDX-License-Identifier: MIT
/// The layout of a received message: a header, the name, control data, the payload.

#include "io/uring/message.hpp"

#include <cstddef>
#include <liburing.h>
#include <optional>
#include <sys/socket.h>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>

#include "io/udp/udp_socket.hpp"
#include "io/uring/ring.hpp"

namespace quoin::inline v0::io {

namespace {

constexpr std::size_t name_room = 32;  // more than an address, so that what follows is aligned
static_assert(sizeof(io_uring_recvmsg_out) + name_room + max_receive_control <=
              receive_buffer_size - ReceiveBatch::max_message);

}  // namespace

void prepare_receive(io_uring_sqe& entry, int descriptor, msghdr& room) noexcept {
  room = {};
  room.msg_namelen = name_room;
  room.msg_controllen = max_receive_control;
  io_uring_prep_recvmsg_multishot(&entry, descriptor, &room, 0);
  entry.flags |= IOSQE_BUFFER_SELECT;
  entry.buf_group = BufferRing::group;
}

std::optional<Datagram> read_message(std::byte* buffer, int size, msghdr& room,
                                     const Address& bound) {
  io_uring_recvmsg_out* const out = io_uring_recvmsg_validate(buffer, size, &room);
  const unsigned payload_size = out ? io_uring_recvmsg_payload_length(out, size, &room) : 0;
  if (payload_size == 0 || (out->flags & MSG_TRUNC) != 0) return std::nullopt;
  msghdr header{};
  header.msg_name = io_uring_recvmsg_name(out);
  header.msg_namelen = out->namelen;
  header.msg_control = static_cast<std::byte*>(header.msg_name) + name_room;
  header.msg_controllen = out->controllen;
  const auto* const payload = static_cast<const std::byte*>(io_uring_recvmsg_payload(out, &room));
  return to_datagram(header, {payload, payload_size}, bound);
}

}  // namespace quoin::inline v0::io
