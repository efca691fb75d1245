// SPDX-License-Identifier: MIT
/// Sending on a UDP socket: trains with segmentation offload, several per system call, and what to
/// do when the kernel refuses.

#include <algorithm>
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

/// Writes control messages one after the other.
class ControlWriter {
 public:
  explicit ControlWriter(std::span<std::byte> room) noexcept : room_(room) {}

  template <class T>
  void add(int level, int type, const T& value) noexcept {
    cmsghdr header{};
    header.cmsg_level = level;
    header.cmsg_type = type;
    header.cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(room_.data() + used_, &header, sizeof header);
    std::memcpy(room_.data() + used_ + CMSG_LEN(0), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
  }

  [[nodiscard]] std::size_t used() const noexcept { return used_; }

 private:
  std::span<std::byte> room_;
  std::size_t used_ = 0;
};

void add_source(const Address& source, ControlWriter& control) noexcept {
  SocketAddress address{};
  if (source.is_ipv4()) {
    (void)to_system(source, AF_INET, address);
    in_pktinfo info{};
    info.ipi_spec_dst = address.v4.sin_addr;
    control.add(IPPROTO_IP, IP_PKTINFO, info);
  } else if (source.is_ipv6()) {
    (void)to_system(source, AF_INET6, address);
    in6_pktinfo info{};
    info.ipi6_addr = address.v6.sin6_addr;
    info.ipi6_ifindex = source.zone();
    control.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

}  // namespace

void SendBatch::add(const Piece& piece, int family) noexcept {
  Envelope& envelope = envelopes_[count_];
  const Datagram& datagram = *piece.datagram;
  // sendmmsg() wants a mutable pointer and only reads.
  auto* const bytes = const_cast<std::byte*>(datagram.payload.data()) + piece.offset;
  envelope.data = {.iov_base = bytes, .iov_len = piece.size};
  ControlWriter control{envelope.control};
  if (piece.names_source) {
    add_source(datagram.path.local, control);
  }
  if (piece.marks_ecn) {
    const auto mark = static_cast<int>(datagram.ecn);
    if (datagram.path.remote.is_ipv4()) {
      control.add(IPPROTO_IP, IP_TOS, mark);
    } else {
      control.add(IPPROTO_IPV6, IPV6_TCLASS, mark);
    }
  }
  if (piece.is_train) {
    control.add(SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(datagram.segment_size));
  }
  msghdr& header = messages_[count_].msg_hdr;
  header = {};
  header.msg_name = &envelope.remote;
  header.msg_namelen = to_system(datagram.path.remote, family, envelope.remote);
  header.msg_iov = &envelope.data;
  header.msg_iovlen = 1;
  header.msg_control = control.used() == 0 ? nullptr : envelope.control.data();
  header.msg_controllen = control.used();
  pieces_[count_] = piece;
  ++count_;
}

SendBatch::Piece UdpSocket::piece_at(std::span<const Datagram> batch, Cursor at) const noexcept {
  const Datagram& datagram = batch[at.index];
  const std::size_t rest = datagram.payload.size() - at.offset;
  const std::size_t segment = datagram.segment_size;
  std::size_t size = rest;
  if (segment != 0 && segment < rest) {
    const std::size_t fitting =
        std::clamp(max_train_bytes / segment, std::size_t{1}, max_train_segments);
    size = std::min(rest, features_.segmentation_offload ? fitting * segment : segment);
  }
  return {.datagram = &datagram,
          .offset = at.offset,
          .size = size,
          .is_train = segment != 0 && size > segment,
          .marks_ecn = features_.ecn && datagram.ecn != Ecn::not_ect,
          .names_source = local_.is_any() && !datagram.path.local.is_any()};
}

void UdpSocket::prepare(std::span<const Datagram> batch, Cursor at,
                        SendBatch& scratch) const noexcept {
  scratch.clear();
  while (at.index < batch.size() && !scratch.is_full()) {
    const SendBatch::Piece piece = piece_at(batch, at);
    scratch.add(piece, family_);
    at.offset += piece.size;
    if (at.offset >= piece.datagram->payload.size()) {
      at = {.index = at.index + 1};
    }
  }
}

UdpSocket::Cursor UdpSocket::send_from(std::span<const Datagram> batch, Cursor at,
                                       SendBatch& scratch) {
  while (at.index < batch.size() && !is_blocked_) {
    prepare(batch, at, scratch);
    const std::span<mmsghdr> messages = scratch.messages();
    const int sent =
        calls_.send_messages(fd_, messages.data(), static_cast<unsigned>(messages.size()));
    if (sent <= 0) {
      at = handle_failure(sent < 0 ? errno : EAGAIN, scratch.pieces().front(), at);
      continue;
    }
    trial_ = {};  // the workaround worked, so it stays
    for (const SendBatch::Piece& piece : scratch.pieces().first(static_cast<std::size_t>(sent))) {
      at.offset += piece.size;
      if (at.offset >= piece.datagram->payload.size()) {
        at = {.index = at.index + 1};
      }
    }
  }
  return at;
}

std::size_t UdpSocket::send(std::span<const Datagram> batch, SendBatch& scratch) {
  Cursor at = send_from(batch, {}, scratch);
  if (at.offset != 0) {  // the caller cannot offer half a train again
    hold(batch[at.index], at.offset);
    ++at.index;
  }
  return at.index;
}

/// `piece`, at `at`, was refused: decides what to do next.
UdpSocket::Cursor UdpSocket::handle_failure(int failure, const SendBatch::Piece& piece, Cursor at) {
  switch (failure) {
    case EAGAIN:
#if EAGAIN != EWOULDBLOCK
    case EWOULDBLOCK:
#endif
      is_blocked_ = true;
      return at;
    case EINTR:
      return at;
    case ENOBUFS:
    case ENOMEM:
      break;
    case EMSGSIZE:  // the engine probes for the MTU and learns from the loss
      if (try_once_more()) return at;
      (void)drain_error_queue();  // where this left an error, which would fail the next call
      break;
    default:
      if (try_differently(failure, piece)) return at;
      report(piece.datagram->path, failure);
  }
  ++lost_;
  // So it was not the offload's or the mark's fault.
  const bool whole_train = trial_.without_offload;
  features_.segmentation_offload = features_.segmentation_offload || trial_.without_offload;
  features_.ecn = features_.ecn || trial_.without_ecn;
  trial_ = {};
  at.offset += piece.size;
  const bool is_last = whole_train || at.offset >= piece.datagram->payload.size();
  return is_last ? Cursor{.index = at.index + 1} : at;
}

/// Whether the piece may get through in another way; if so, sets that up.
bool UdpSocket::try_differently(int failure, const SendBatch::Piece& piece) {
  const bool is_refusal = failure == EIO || failure == EINVAL || failure == EOPNOTSUPP;
  if (is_refusal && piece.is_train && features_.segmentation_offload) {
    features_.segmentation_offload = false;
    trial_.without_offload = true;
    return true;
  }
  if (is_refusal && piece.marks_ecn && features_.ecn) {
    features_.ecn = false;
    trial_.without_ecn = true;
    return true;
  }
  return try_once_more();
}

/// An ICMP error is reported by the next call whatever that sends, until the queue is read.
bool UdpSocket::try_once_more() {
  if (trial_.once_more) return false;
  (void)drain_error_queue();
  trial_.once_more = true;
  return true;
}

void UdpSocket::hold(const Datagram& datagram, std::size_t offset) {
  const Bytes rest = datagram.payload.subspan(offset);
  held_bytes_.assign(rest.begin(), rest.end());
  held_offset_ = 0;
  held_ = datagram;
  held_.payload = held_bytes_;
}

void UdpSocket::handle_writable(SendBatch& scratch) {
  is_blocked_ = false;
  if (held_bytes_.empty()) return;
  const Cursor at = send_from({&held_, 1}, {.offset = held_offset_}, scratch);
  held_offset_ = at.offset;
  if (at.index != 0) {
    held_bytes_.clear();
  }
}

}  // namespace quoin::inline v0::io
