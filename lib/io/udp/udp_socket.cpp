// SPDX-License-Identifier: MIT
/// Opening and configuring a UDP socket, and its error queue. Sending and receiving have files
/// of their own.

#include "io/udp/udp_socket.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <memory>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>

#include "io/udp/socket_address.hpp"
#include "io/udp/socket_calls.hpp"

namespace quoin::inline v0::io {

namespace {

// Unread errors must not pile up, nor keep a turn from ending.
constexpr std::size_t max_errors = 64;

Error system_error(int failure, std::string_view what, const Address& address) {
  std::string detail{what};
  detail.append(" ").append(address.to_string()).append(": ");
  detail.append(std::generic_category().message(failure));
  return {Error::Domain::system, static_cast<std::uint64_t>(failure), std::move(detail)};
}

/// The errno values that a PathError may have; 0 for those that say nothing about the path.
int as_path_error(int failure) noexcept {
  switch (failure) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EACCES:
    case EPERM:
      return failure;
    case EHOSTDOWN:
    case ENONET:
      return EHOSTUNREACH;
    case ENETDOWN:
    case ENODEV:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EINVAL:  // no route from that source address, or port 0
      return ENETUNREACH;
    default:
      return 0;
  }
}

}  // namespace

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(const Address& local, bool ipv6_only,
                                                   const SocketOptions& options,
                                                   SocketCalls& calls) {
  SocketAddress address{};
  const int family = local.is_ipv4() ? AF_INET : AF_INET6;
  socklen_t size = to_system(local, family, address);
  if (size == 0) {
    return std::unexpected(system_error(EAFNOSUPPORT, "cannot open UDP socket on", local));
  }
  const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
  if (fd < 0) return std::unexpected(system_error(errno, "cannot open UDP socket on", local));
  std::unique_ptr<UdpSocket> socket{new UdpSocket{fd, calls}};
  socket->family_ = family;
  if (family == AF_INET6) {
    (void)socket->set(IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only ? 1 : 0);
  }
  socket->configure(options);
  if (options.workers > 1 && !socket->set(SOL_SOCKET, SO_REUSEPORT, 1)) {
    return std::unexpected(system_error(errno, "cannot share between threads", local));
  }
  if (::bind(fd, &address.any, size) != 0 || ::getsockname(fd, &address.any, &size) != 0) {
    return std::unexpected(system_error(errno, "cannot bind UDP socket to", local));
  }
  if (options.workers > 1 && !socket->steer(options.workers)) {
    return std::unexpected(system_error(errno, "cannot steer to threads", local));
  }
  socket->local_ = from_system(address);
  return socket;
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::adopt(int fd, const SocketOptions& options,
                                                    SocketCalls& calls) {
  std::unique_ptr<UdpSocket> socket{new UdpSocket{fd, calls}};
  SocketAddress address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, &address.any, &size) != 0 || from_system(address).is_none()) {
    return std::unexpected(Error{Error::Domain::system, static_cast<std::uint64_t>(ENOTSOCK),
                                 "what was taken over is not a UDP socket"});
  }
  socket->family_ = address.any.sa_family;
  socket->local_ = from_system(address);
  socket->configure(options);
  return socket;
}

UdpSocket::~UdpSocket() { ::close(fd_); }

bool UdpSocket::set(int level, int name, int value) noexcept {
  return calls_.set_option(fd_, level, name, &value, sizeof value) == 0;
}

/// Gives the group of sockets that share the address a program that chooses one for each datagram,
/// by an ID that every QUIC version has in the same place (RFC 8999 §5). All sockets of a group
/// have the same program, so it does not matter which one is kept.
bool UdpSocket::steer(unsigned workers) noexcept {
  constexpr std::uint32_t long_header = 0x80;
  constexpr std::uint32_t after_long = 6;  // first octet, version, length of the ID
  constexpr std::uint32_t after_short = 1;
  std::array<sock_filter, 7> code{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, long_header, 0, 2),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, after_long),
      BPF_STMT(BPF_JMP | BPF_JA, 1),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, after_short),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
      BPF_STMT(BPF_RET | BPF_A, 0),
  }};
  const sock_fprog program{.len = static_cast<unsigned short>(code.size()), .filter = code.data()};
  return calls_.set_option(fd_, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) ==
         0;
}

/// Missing features are skipped; features_ tells which are on.
void UdpSocket::configure(const SocketOptions& options) noexcept {
  const bool is_ipv6 = family_ == AF_INET6;
  if (is_ipv6) {
    (void)set(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    (void)set(IPPROTO_IPV6, IPV6_RECVERR, 1);
  }
  // The IPv4 options also apply to the IPv4 half of a dual-stack socket.
  (void)set(IPPROTO_IP, IP_PKTINFO, 1);
  (void)set(IPPROTO_IP, IP_RECVERR, 1);
  const bool ipv4_whole = set(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  const bool ipv6_whole = !is_ipv6 || set(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  features_.dont_fragment = ipv4_whole && ipv6_whole;
  if (options.ecn) {
    const bool ipv4_ecn = set(IPPROTO_IP, IP_RECVTOS, 1);
    features_.ecn = (!is_ipv6 || set(IPPROTO_IPV6, IPV6_RECVTCLASS, 1)) && ipv4_ecn;
  }
  // 0 requests no offload by default, but is refused where UDP_SEGMENT is unknown.
  features_.segmentation_offload = options.segmentation_offload && set(SOL_UDP, UDP_SEGMENT, 0);
  features_.receive_offload = options.receive_offload && set(SOL_UDP, UDP_GRO, 1);
  configure_buffer(SO_RCVBUF, SO_RCVBUFFORCE, options.receive_buffer);
  configure_buffer(SO_SNDBUF, SO_SNDBUFFORCE, options.send_buffer);
}

void UdpSocket::configure_buffer(int option, int forced_option, std::size_t size) noexcept {
  const int value = std::cmp_less(size, 1U << 30U) ? static_cast<int>(size) : 1 << 30;
  if (value != 0 && !set(SOL_SOCKET, forced_option, value)) {
    (void)set(SOL_SOCKET, option, value);
  }
}

int UdpSocket::buffer_size(int option) const noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd_, SOL_SOCKET, option, &value, &size) == 0 ? value : 0;
}

void UdpSocket::take_errors(std::vector<PathError>& out) {
  const bool has_more = drain_error_queue();
  out.insert(out.end(), errors_.begin(), errors_.end());
  errors_.clear();
  has_errors_ = has_more;
}

void UdpSocket::report(const Path& path, int failure) {
  const int error = as_path_error(failure);
  if (error != 0 && errors_.size() < max_errors) {
    errors_.push_back({.path = path, .error = system_error(failure, "sending to", path.remote)});
    if (error != failure) {
      errors_.back().error = {Error::Domain::system, static_cast<std::uint64_t>(error),
                              std::string{errors_.back().error.detail()}};
    }
    has_errors_ = true;
  }
}

/// Reads the error queue, which ICMP messages fill. The socket counts as readable until the queue
/// is empty, so uninteresting errors are read as well. True: there may be more.
bool UdpSocket::drain_error_queue() {
  for (std::size_t i = 0; i < max_errors; ++i) {
    SocketAddress remote{};
    alignas(cmsghdr) std::array<std::byte, 512> control;
    iovec no_data{};
    msghdr message{};
    message.msg_name = &remote;
    message.msg_namelen = sizeof remote;
    message.msg_iov = &no_data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (calls_.receive_error(fd_, &message) < 0) {
      // An error that found no room in the queue stays pending until it is read.
      int pending = 0;
      socklen_t size = sizeof pending;
      (void)::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &pending, &size);
      return false;
    }
    for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c;
         c = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(c))) {
      const bool is_error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
      if (is_error) {
        sock_extended_err error{};
        std::memcpy(&error, CMSG_DATA(c), sizeof error);
        report({.local = local_, .remote = from_system(remote)}, static_cast<int>(error.ee_errno));
      }
    }
  }
  return true;
}

}  // namespace quoin::inline v0::io
