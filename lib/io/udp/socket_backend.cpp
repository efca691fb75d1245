// SPDX-License-Identifier: MIT
/// The backends on real sockets, without their waiting and receiving. UdpSocket handles a single
/// socket.

#include "io/udp/socket_backend.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>
#include <quoin/time.hpp>

#include "io/udp/descriptor.hpp"
#include "io/udp/socket_address.hpp"
#include "io/udp/socket_calls.hpp"
#include "io/udp/udp_socket.hpp"

namespace quoin::inline v0::io {

std::unexpected<Error> failed(int failure, std::string what) {
  what.append(": ").append(std::generic_category().message(failure));
  return std::unexpected(
      Error{Error::Domain::system, static_cast<std::uint64_t>(failure), std::move(what)});
}

SocketCalls& system_calls() noexcept {
  static SocketCalls calls;
  return calls;
}

SocketBackend::SocketBackend(std::string name, const SocketOptions& options, SocketCalls& calls)
    : name_(std::move(name)), options_(options), calls_(calls), wake_(::eventfd(0, EFD_CLOEXEC)) {
  // Engines may ask for capabilities before the first socket is open.
  const std::array<std::byte, 4> any{};
  const Result<Address> probe = Address::from_bytes(any, 0);
  const auto socket = UdpSocket::open(*probe, false, options_, calls_);
  knows_offload_ = socket && (*socket)->features().segmentation_offload;
  update_capabilities();
}

Time SocketBackend::now() const noexcept {
  timespec time{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &time);
  return Time{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
}

Result<Address> SocketBackend::open(const Address& local) {
  if (wake_.get() < 0) return failed(EMFILE, "cannot wait for UDP sockets");
  // [::] takes IPv4 too, unless a socket of ours has that port already.
  const bool ipv4_taken = std::ranges::any_of(sockets_, [&](const auto& socket) {
    return socket->local().is_ipv4() && socket->local().port() == local.port();
  });
  return keep(UdpSocket::open(local, ipv4_taken, options_, calls_));
}

Result<Address> SocketBackend::adopt(int descriptor) {
  return keep(UdpSocket::adopt(descriptor, options_, calls_));
}

int SocketBackend::descriptor_of(const Address& local) const noexcept {
  const auto found =
      std::ranges::find_if(sockets_, [&](const auto& each) { return each->local() == local; });
  return found == sockets_.end() ? -1 : (*found)->descriptor();
}

void SocketBackend::stop_receiving(const Address& local) noexcept {
  for (const auto& socket : sockets_) {
    if (socket->local() == local && !socket->is_send_only) {
      socket->is_send_only = true;
      socket->is_readable = false;
      unwatch_readable(*socket);
    }
  }
}

Result<Address> SocketBackend::keep(Result<std::unique_ptr<UdpSocket>> opened) {
  if (!opened) return std::unexpected(std::move(opened).error());
  UdpSocket& socket = **opened;
  if (Result<void> watched = watch(socket); !watched) {
    return std::unexpected(std::move(watched).error());
  }
  sockets_.push_back(std::move(*opened));
  senders_.add(socket.local(), socket);
  socket.known_features = socket.features();
  update_capabilities();
  return socket.local();
}

/// The kernel chooses a source address when a socket is connected, which for UDP sends nothing.
Result<Address> SocketBackend::source_for(const Address& remote) {
  SocketAddress address{};
  const int family = remote.is_ipv4() ? AF_INET : AF_INET6;
  socklen_t size = to_system(remote, family, address);
  const Descriptor socket{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (size == 0 || socket.get() < 0 || ::connect(socket.get(), &address.any, size) != 0 ||
      ::getsockname(socket.get(), &address.any, &size) != 0) {
    return failed(size == 0 ? EAFNOSUPPORT : errno, "no route to " + remote.to_string());
  }
  return from_system(address).with_port(0);
}

void SocketBackend::close(const Address& local) noexcept {
  (void)senders_.remove(local);
  std::erase_if(sockets_, [&](const auto& socket) {
    if (socket->local() != local) return false;
    unwatch(*socket);
    std::erase(failing_, socket.get());
    return true;
  });
  update_capabilities();
}

void SocketBackend::update_capabilities() noexcept {
  const auto any = [this](auto test) {
    return std::ranges::any_of(sockets_, [&](const auto& s) { return test(s->features()); });
  };
  const bool is_open = !sockets_.empty();
  const bool offload =
      is_open ? any([](const auto& f) { return f.segmentation_offload; }) : knows_offload_;
  capabilities_ = {.may_fragment = any([](const auto& f) { return !f.dont_fragment; }),
                   .max_send_segments = offload ? max_train_segments : 1,
                   .receive_offload = options_.receive_offload,
                   .ecn = is_open ? any([](const auto& f) { return f.ecn; }) : options_.ecn};
}

void SocketBackend::note(UdpSocket& socket) {
  if (socket.has_errors() && !std::exchange(socket.is_failing, true)) {
    failing_.push_back(&socket);
  }
  if (socket.known_features != socket.features()) {
    socket.known_features = socket.features();
    update_capabilities();
  }
}

void SocketBackend::handle_error(UdpSocket& socket) {
  socket.handle_error();
  note(socket);
}

void SocketBackend::handle_writable(UdpSocket& socket) {
  socket.handle_writable(sending_);
  note(socket);
  watch_writable(socket);
}

std::size_t SocketBackend::send(std::span<const Datagram> batch) {
  std::size_t taken = 0;
  while (taken < batch.size()) {
    const Address& source = batch[taken].path.local;
    std::size_t end = taken + 1;
    while (end < batch.size() && batch[end].path.local == source) {
      ++end;
    }
    UdpSocket* const socket = senders_.find(source);
    if (!socket) {  // closed in the meantime: lost
      taken = end;
      continue;
    }
    if (!socket->is_blocked()) {
      taken += socket->send(batch.subspan(taken, end - taken), sending_);
      note(*socket);
      watch_writable(*socket);
    }
    if (socket->is_blocked()) break;
  }
  return taken;
}

std::span<const PathError> SocketBackend::errors() {
  errors_.clear();
  const std::size_t count = failing_.size();
  for (std::size_t i = 0; i < count; ++i) {
    UdpSocket& socket = *failing_[i];
    socket.take_errors(errors_);
    socket.is_failing = false;
    note(socket);  // there may be more
  }
  failing_.erase(failing_.begin(), failing_.begin() + static_cast<std::ptrdiff_t>(count));
  return errors_;
}

void SocketBackend::wake() noexcept {
  const int saved = errno;  // this may be a signal handler
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  errno = saved;
}

std::string SocketBackend::describe() const {
  utsname system{};
  (void)::uname(&system);
  const auto on_off = [](bool on) { return on ? "on" : "off"; };
  const Capabilities can = capabilities();
  const bool receives_trains = sockets_.empty()
                                   ? can.receive_offload
                                   : std::ranges::any_of(sockets_, [](const auto& socket) {
                                       return socket->features().receive_offload;
                                     });
  std::string text = name_;
  text.append(" on Linux ")
      .append(system.release)
      .append(": GSO ")
      .append(on_off(can.max_send_segments > 1));
  text.append(", GRO ").append(on_off(receives_trains));
  text.append(", ECN ").append(on_off(can.ecn)).append(", DF ").append(on_off(!can.may_fragment));
  for (const auto& socket : sockets_) {
    text.append("; ").append(socket->local().to_string()).append(" buffers ");
    text.append(std::to_string(socket->buffer_size(SO_RCVBUF))).append(" in, ");
    text.append(std::to_string(socket->buffer_size(SO_SNDBUF))).append(" out, ");
    text.append(std::to_string(socket->lost())).append(" not sendable");
  }
  return text;
}

}  // namespace quoin::inline v0::io
