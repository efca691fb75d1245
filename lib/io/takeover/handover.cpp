// SPDX-License-Identifier: MIT
/// Descriptors over a Unix socket of messages: a greeting with the numbers and the secret, a
/// message with the descriptors of each worker, and back an octet when they are in use.
#include "io/takeover/handover.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/error.hpp>

#include "io/udp/descriptor.hpp"
#include "io/udp/socket_backend.hpp"

namespace quoin::inline v0::io {

namespace {

constexpr std::string_view dialect = "quoin handover 1";
constexpr std::size_t max_secret = 1024;
constexpr std::size_t max_workers = 128;
constexpr std::size_t max_descriptors = 64;  // of one worker; the kernel would take 253
constexpr timeval patience{.tv_sec = 5, .tv_usec = 0};

struct Greeting {
  std::array<char, dialect.size()> version;
  std::uint32_t workers;
  std::uint32_t descriptors;  // of each worker: its sockets and one relay
  std::uint32_t secret_size;
  std::array<char, max_secret> secret;
};

struct UnixAddress {
  sockaddr_un address{};
  socklen_t size = 0;  // 0: the path is too long
};

UnixAddress unix_address(const FilePath& path) {
  UnixAddress out;
  const std::string text = path.native();
  if (text.empty() || text.size() >= sizeof out.address.sun_path) return out;
  out.address.sun_family = AF_UNIX;
  std::memcpy(out.address.sun_path, text.data(), text.size());
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + 1);
  return out;
}

std::unexpected<Error> failed_at(int failure, const char* what, const FilePath& path) {
  return failed(failure, std::string{what} + ' ' + path.native());
}

Result<Descriptor> connect_to(const FilePath& path) {
  const UnixAddress at = unix_address(path);
  Descriptor socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (at.size == 0 || socket.get() < 0) {
    return failed_at(at.size == 0 ? ENAMETOOLONG : errno, "cannot ask at", path);
  }
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const auto* const address = reinterpret_cast<const sockaddr*>(&at.address);
  if (::connect(socket.get(), address, at.size) != 0) {
    return failed_at(errno, "nobody hands over sockets at", path);
  }
  return socket;
}

/// Room for the descriptors of one message.
struct Control {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int) * max_descriptors)> bytes{};
};

bool send_descriptors(int connection, std::span<const int> descriptors) noexcept {
  Control control;
  char octet = 'w';
  iovec data{.iov_base = &octet, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  return ::sendmsg(connection, &message, MSG_NOSIGNAL) == 1;
}

std::vector<Descriptor> receive_descriptors(int connection) {
  Control control;
  char octet = 0;
  iovec data{.iov_base = &octet, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  std::vector<Descriptor> received;
  if (::recvmsg(connection, &message, MSG_CMSG_CLOEXEC) <= 0) return received;
  for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr;
       c = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(c))) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::array<int, max_descriptors> descriptors{};
    std::memcpy(descriptors.data(), CMSG_DATA(c), std::min(count, max_descriptors) * sizeof(int));
    for (const int fd : std::span{descriptors}.first(std::min(count, max_descriptors))) {
      received.emplace_back(fd);
    }
  }
  return received;
}

/// What has arrived so far is closed by its owner if the rest does not arrive.
bool receive_all(const Greeting& greeting, Inheritance& out) {
  for (std::uint32_t worker = 0; worker < greeting.workers; ++worker) {
    std::vector<Descriptor> received = receive_descriptors(out.connection.get());
    if (received.size() != greeting.descriptors) return false;
    out.relays.push_back(std::move(received.back()));
    received.pop_back();
    out.sockets.push_back(std::move(received));
  }
  return true;
}

bool is_same_user(int connection) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == 0 || peer.uid == ::geteuid());
}

}  // namespace

void Inheritance::confirm() const noexcept {
  const char octet = 'r';
  (void)::send(connection.get(), &octet, 1, MSG_NOSIGNAL);
}

Result<Inheritance> inherit(const FilePath& path) {
  Result<Descriptor> connection = connect_to(path);
  if (!connection) return std::unexpected(connection.error());
  // A socket in a folder that others may write to could be anybody's.
  if (!is_same_user(connection->get())) return failed_at(EACCES, "another user has", path);
  Inheritance out{.connection = std::move(*connection), .secret = {}, .sockets = {}, .relays = {}};
  Greeting greeting{};
  const ssize_t size = ::recv(out.connection.get(), &greeting, sizeof greeting, 0);
  if (size < 0) return failed_at(errno == EAGAIN ? ETIMEDOUT : errno, "no sockets from", path);
  if (size != sizeof greeting || !std::ranges::equal(greeting.version, dialect) ||
      greeting.workers < 1 || greeting.workers > max_workers || greeting.descriptors < 2 ||
      greeting.descriptors > max_descriptors || greeting.secret_size > max_secret ||
      !receive_all(greeting, out)) {
    return failed_at(EPROTO, "unknown protocol from the process at", path);
  }
  out.secret.assign(greeting.secret.data(), greeting.secret_size);
  return out;
}

Result<HandoverListener> HandoverListener::open(const FilePath& path) {
  const std::string fresh = path.native() + ".new";
  const UnixAddress at = unix_address(fresh);
  Descriptor socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (at.size == 0 || socket.get() < 0) {
    return failed_at(at.size == 0 ? ENAMETOOLONG : errno, "cannot offer sockets at", path);
  }
  struct stat there{};
  if (::lstat(path.native().c_str(), &there) == 0 && !S_ISSOCK(there.st_mode)) {
    return failed_at(EEXIST, "cannot offer sockets at", path);
  }
  (void)::unlink(fresh.c_str());
  const auto* const address = reinterpret_cast<const sockaddr*>(&at.address);
  // The mode applies when the file is made, so there is no moment in which others may connect.
  if (::fchmod(socket.get(), S_IRUSR | S_IWUSR) != 0 ||
      ::bind(socket.get(), address, at.size) != 0 || ::listen(socket.get(), 1) != 0 ||
      std::rename(fresh.c_str(), path.native().c_str()) != 0) {
    return failed_at(errno, "cannot offer sockets at", path);
  }
  return HandoverListener{std::move(socket)};
}

Descriptor HandoverListener::accept() const noexcept {
  Descriptor connection{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (connection.get() >= 0 && !is_same_user(connection.get())) return Descriptor{-1};
  return connection;
}

bool is_offered(const FilePath& path) { return connect_to(path).has_value(); }

bool give(int connection, const Estate& estate) noexcept {
  Greeting greeting{.version = {},
                    .workers = static_cast<std::uint32_t>(estate.sockets.size()),
                    .descriptors = static_cast<std::uint32_t>(estate.sockets.front().size() + 1),
                    .secret_size = static_cast<std::uint32_t>(estate.secret.size()),
                    .secret = {}};
  if (estate.secret.size() > max_secret || greeting.descriptors > max_descriptors) return false;
  std::ranges::copy(dialect, greeting.version.begin());
  std::ranges::copy(estate.secret, greeting.secret.begin());
  if (::send(connection, &greeting, sizeof greeting, MSG_NOSIGNAL) != sizeof greeting) return false;
  for (std::size_t worker = 0; worker < estate.sockets.size(); ++worker) {
    std::vector<int> descriptors = estate.sockets[worker];
    descriptors.push_back(estate.relays[worker]);
    if (!send_descriptors(connection, descriptors)) return false;
  }
  return true;
}

Receipt read_receipt(int connection) noexcept {
  char octet = 0;
  const ssize_t size = ::recv(connection, &octet, 1, MSG_DONTWAIT);
  if (size == 1) return Receipt::confirmed;
  return size < 0 && (errno == EAGAIN || errno == EINTR) ? Receipt::pending : Receipt::gone;
}

}  // namespace quoin::inline v0::io
