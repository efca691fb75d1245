// SPDX-License-Identifier: MIT
/// Datagrams in messages of a Unix socket: a header of fixed size, then the payload.
#include "io/takeover/relay.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <span>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>

#include "io/udp/socket_address.hpp"
#include "io/udp/socket_backend.hpp"

namespace quoin::inline v0::io {

namespace {

/// Both processes run on one machine, so native byte order and addresses will do.
struct Header {
  SocketAddress local;
  SocketAddress remote;
  std::uint32_t segment_size;
  std::uint32_t ecn;
};

constexpr int wanted_buffer = 4 * 1024 * 1024;
constexpr std::uint32_t last_ecn = 3;

SocketAddress pack(const Address& address) noexcept {
  SocketAddress packed;
  std::memset(&packed, 0, sizeof packed);  // {} is for the first member only
  (void)to_system(address, address.is_ipv4() ? AF_INET : AF_INET6, packed);
  return packed;
}

}  // namespace

Relay::Relay(int fd) noexcept : socket_(fd) {
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted_buffer, sizeof wanted_buffer) != 0) {
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted_buffer, sizeof wanted_buffer);
  }
}

Result<std::pair<int, int>> Relay::make_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return failed(errno, "cannot connect two processes");
  }
  return std::pair{ends[0], ends[1]};
}

bool Relay::send(const Datagram& datagram) noexcept {
  Header header{.local = pack(datagram.path.local),
                .remote = pack(datagram.path.remote),
                .segment_size = static_cast<std::uint32_t>(datagram.segment_size),
                .ecn = static_cast<std::uint32_t>(datagram.ecn)};
  std::array<iovec, 2> parts{
      iovec{.iov_base = &header, .iov_len = sizeof header},
      iovec{.iov_base = const_cast<std::byte*>(datagram.payload.data()),
            .iov_len = datagram.payload.size()},
  };
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
  if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) return false;
  ++dropped_;
  return true;
}

std::optional<Datagram> Relay::receive(std::span<std::byte> room) noexcept {
  Header header{};
  std::array<iovec, 2> parts{
      iovec{.iov_base = &header, .iov_len = sizeof header},
      iovec{.iov_base = room.data(), .iov_len = room.size()},
  };
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
  if (size <= 0) {
    is_over_ = size == 0 || (errno != EAGAIN && errno != EINTR);
    return std::nullopt;
  }
  const auto whole = static_cast<std::size_t>(size);
  const Path path{.local = from_system(header.local), .remote = from_system(header.remote)};
  if (whole <= sizeof header || (message.msg_flags & MSG_TRUNC) != 0 || path.local.is_none() ||
      path.remote.is_none()) {
    return std::nullopt;  // cannot come from send()
  }
  return Datagram{.path = path,
                  .payload = room.first(whole - sizeof header),
                  .segment_size = header.segment_size,
                  .ecn = header.ecn <= last_ecn ? static_cast<Ecn>(header.ecn) : Ecn::not_ect};
}

void Relay::close_receiving() noexcept { (void)::shutdown(socket_.get(), SHUT_RD); }

}  // namespace quoin::inline v0::io
