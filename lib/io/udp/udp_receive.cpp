// SPDX-License-Identifier: MIT
/// Receiving on a UDP socket: many datagrams a system call, trains of them with receive offload.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <span>
#include <sys/socket.h>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>

#include "io/udp/socket_address.hpp"
#include "io/udp/udp_socket.hpp"

namespace quoin::inline v0::io {

namespace {

template <class T>
T read(const cmsghdr& control) noexcept {
  T value{};
  std::memcpy(&value, CMSG_DATA(&control), sizeof value);
  return value;
}

Ecn to_ecn(int traffic_class) noexcept {
  return static_cast<Ecn>(static_cast<unsigned>(traffic_class) & 3U);
}

/// Reads one control message; unknown ones are skipped.
void apply(const cmsghdr& control, std::uint16_t local_port, Datagram& datagram) noexcept {
  switch (control.cmsg_level) {
    case IPPROTO_IP:
      if (control.cmsg_type == IP_PKTINFO) {
        datagram.path.local = from_system(read<in_pktinfo>(control).ipi_addr, local_port);
      } else if (control.cmsg_type == IP_TOS) {
        datagram.ecn = to_ecn(read<std::uint8_t>(control));
      }
      break;
    case IPPROTO_IPV6:
      if (control.cmsg_type == IPV6_PKTINFO) {
        const auto info = read<in6_pktinfo>(control);
        datagram.path.local = from_system(info.ipi6_addr, local_port, info.ipi6_ifindex);
      } else if (control.cmsg_type == IPV6_TCLASS) {
        datagram.ecn = to_ecn(read<int>(control));
      }
      break;
    case SOL_UDP:
      if (control.cmsg_type == UDP_GRO) {
        datagram.segment_size = static_cast<std::size_t>(read<int>(control));
      }
      break;
    default:
      break;
  }
}

}  // namespace

Datagram to_datagram(const msghdr& header, Bytes payload, const Address& bound) {
  Datagram datagram;
  datagram.path.local = bound;
  datagram.path.remote = from_system(*static_cast<const SocketAddress*>(header.msg_name));
  datagram.payload = payload;
  auto* const mutable_header = const_cast<msghdr*>(&header);  // CMSG_NXTHDR() asks for it
  for (const cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(mutable_header, const_cast<cmsghdr*>(control))) {
    apply(*control, bound.port(), datagram);
  }
  if (datagram.segment_size >= datagram.payload.size()) {
    datagram.segment_size = 0;
  }
  return datagram;
}

ReceiveBatch::ReceiveBatch() : bytes_(max_messages * max_message) {
  datagrams_.reserve(max_messages);
  for (std::size_t i = 0; i < max_messages; ++i) {
    Envelope& envelope = envelopes_[i];
    envelope.data = {.iov_base = bytes_.data() + i * max_message, .iov_len = max_message};
    msghdr& header = messages_[i].msg_hdr;
    header.msg_name = &envelope.remote;
    header.msg_iov = &envelope.data;
    header.msg_iovlen = 1;
    header.msg_control = envelope.control.data();
  }
}

std::span<mmsghdr> ReceiveBatch::prepare() noexcept {
  datagrams_.clear();
  for (mmsghdr& message : messages_) {
    message.msg_hdr.msg_namelen = sizeof(SocketAddress);
    message.msg_hdr.msg_controllen = sizeof(Envelope::control);
  }
  return messages_;
}

void ReceiveBatch::parse(std::size_t count, const Address& bound) {
  for (const mmsghdr& message : std::span{messages_}.first(count)) {
    // An empty datagram cannot be a QUIC packet.
    if (message.msg_len != 0 && (message.msg_hdr.msg_flags & MSG_TRUNC) == 0) {
      const auto* const bytes = static_cast<const std::byte*>(message.msg_hdr.msg_iov->iov_base);
      datagrams_.push_back(to_datagram(message.msg_hdr, {bytes, message.msg_len}, bound));
    }
  }
}

bool UdpSocket::receive(ReceiveBatch& batch) {
  const std::span<mmsghdr> messages = batch.prepare();
  const int count =
      calls_.receive_messages(fd_, messages.data(), static_cast<unsigned>(messages.size()));
  if (count < 0) {
    // Anything but "empty" was an error of an earlier datagram, and there may be more to read.
    const bool is_empty = errno == EAGAIN || errno == EWOULDBLOCK;
    has_errors_ = has_errors_ || (!is_empty && errno != EINTR);
    return !is_empty;
  }
  batch.parse(static_cast<std::size_t>(count), local_);
  return static_cast<std::size_t>(count) == messages.size();
}

}  // namespace quoin::inline v0::io
