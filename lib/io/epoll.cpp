// SPDX-License-Identifier: MIT
/// The epoll backend: waits for its sockets, a wake-up and a deadline. What happens on a single
/// socket is UdpSocket's business.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <expected>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/epoll.hpp>
#include <quoin/time.hpp>

#include "io/epoll_backend.hpp"
#include "io/socket_address.hpp"
#include "io/socket_calls.hpp"
#include "io/udp_socket.hpp"

namespace quoin::io {

namespace {

constexpr std::size_t max_events = 16;

std::unexpected<Error> failed(int failure, std::string what) {
  what.append(": ").append(std::generic_category().message(failure));
  return std::unexpected{
      Error{Error::Domain::system, static_cast<std::uint64_t>(failure), std::move(what)}};
}

/// A descriptor, closed at the end; -1 for none.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

timespec to_timespec(Duration span) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(span);
  return {.tv_sec = seconds.count(), .tv_nsec = static_cast<long>((span - seconds).count())};
}

class EpollBackend final : public Backend {
 public:
  EpollBackend(const EpollOptions& options, SocketCalls& calls);

  [[nodiscard]] Time now() const noexcept override;
  void fill_random(std::span<std::byte> out) noexcept override;
  [[nodiscard]] Result<Address> open(const Address& local) override;
  [[nodiscard]] Result<Address> source_for(const Address& remote) override;
  void close(const Address& local) noexcept override;
  [[nodiscard]] Capabilities capabilities() const noexcept override;
  void wait(std::optional<Time> deadline) override;
  [[nodiscard]] std::span<const Datagram> receive() override;
  [[nodiscard]] std::size_t send(std::span<const Datagram> batch) override;
  [[nodiscard]] std::span<const PathError> errors() override;
  void wake() noexcept override;

  [[nodiscard]] int descriptor() const noexcept override { return epoll_.get(); }

  [[nodiscard]] std::string describe() const override;

 private:
  void poll(std::optional<Duration> timeout);
  [[nodiscard]] int poll_events(std::span<epoll_event> events, std::optional<Duration> timeout);
  void handle_event(const epoll_event& event);
  [[nodiscard]] bool has_news() const noexcept;
  [[nodiscard]] UdpSocket* find(const Address& source) const noexcept;
  void watch(UdpSocket& socket) noexcept;

  EpollOptions options_;
  SocketCalls& calls_;
  Descriptor epoll_;
  Descriptor wake_;
  bool knows_offload_ = false;
  bool is_polled_ = false;  // receive() need not ask the kernel which sockets are readable
  bool has_epoll_pwait2_ = true;
  std::vector<std::unique_ptr<UdpSocket>> sockets_;
  std::size_t next_reader_ = 0;  // in sockets_, so that each gets its turn
  ReceiveBatch received_;
  SendBatch sending_;
  std::vector<PathError> errors_;
};

EpollBackend::EpollBackend(const EpollOptions& options, SocketCalls& calls)
    : options_(options),
      calls_(calls),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  // Engines may ask what is possible before the first socket is open.
  const std::array<std::byte, 4> any{};
  const Result<Address> probe = Address::from_bytes(any, 0);
  const auto socket = UdpSocket::open(*probe, false, options_, calls_);
  knows_offload_ = socket && (*socket)->features().segmentation_offload;
}

Time EpollBackend::now() const noexcept {
  timespec time{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &time);
  return Time{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
}

void EpollBackend::fill_random(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    const ssize_t filled = ::getrandom(out.data(), out.size(), 0);
    if (filled > 0) {
      out = out.subspan(static_cast<std::size_t>(filled));
    } else if (errno != EINTR) {
      std::abort();  // a kernel without randomness: nothing here would be secure
    }
  }
}

Result<Address> EpollBackend::open(const Address& local) {
  if (epoll_.get() < 0 || wake_.get() < 0) {
    return failed(EMFILE, "cannot wait for UDP sockets");
  }
  // [::] takes IPv4 too, unless a socket of ours has that port already.
  const bool ipv4_taken = std::ranges::any_of(sockets_, [&](const auto& socket) {
    return socket->local().is_ipv4() && socket->local().port() == local.port();
  });
  auto opened = UdpSocket::open(local, ipv4_taken, options_, calls_);
  if (!opened) {
    return std::unexpected{std::move(opened).error()};
  }
  UdpSocket& socket = **opened;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &socket;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.descriptor(), &event) != 0) {
    return failed(errno, "cannot wait for UDP socket on " + local.to_string());
  }
  sockets_.push_back(std::move(*opened));
  return socket.local();
}

/// The kernel chooses a source when a socket is connected, which for UDP sends nothing.
Result<Address> EpollBackend::source_for(const Address& remote) {
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

void EpollBackend::close(const Address& local) noexcept {
  std::erase_if(sockets_, [&](const auto& socket) { return socket->local() == local; });
}

Capabilities EpollBackend::capabilities() const noexcept {
  const auto any = [this](auto test) {
    return std::ranges::any_of(sockets_, [&](const auto& s) { return test(s->features()); });
  };
  const bool is_open = !sockets_.empty();
  const bool offload =
      is_open ? any([](const auto& f) { return f.segmentation_offload; }) : knows_offload_;
  return {.may_fragment = any([](const auto& f) { return !f.dont_fragment; }),
          .max_send_segments = offload ? max_train_segments : 1,
          .receive_offload = options_.receive_offload,
          .ecn = is_open ? any([](const auto& f) { return f.ecn; }) : options_.ecn};
}

bool EpollBackend::has_news() const noexcept {
  return std::ranges::any_of(
      sockets_, [](const auto& socket) { return socket->is_readable || socket->has_errors(); });
}

void EpollBackend::wait(std::optional<Time> deadline) {
  if (has_news()) {
    return;
  }
  poll(deadline ? std::optional{std::max(*deadline - now(), Duration::zero())} : std::nullopt);
}

void EpollBackend::poll(std::optional<Duration> timeout) {
  std::array<epoll_event, max_events> events{};
  const int count = poll_events(events, timeout);
  is_polled_ = true;
  for (int i = 0; i < count; ++i) {
    handle_event(events[static_cast<std::size_t>(i)]);
  }
}

int EpollBackend::poll_events(std::span<epoll_event> events, std::optional<Duration> timeout) {
  const int size = static_cast<int>(events.size());
  if (has_epoll_pwait2_) {
    const timespec span = to_timespec(timeout.value_or(Duration::zero()));
    const int count =
        ::epoll_pwait2(epoll_.get(), events.data(), size, timeout ? &span : nullptr, nullptr);
    if (count >= 0 || errno != ENOSYS) {
      return count;
    }
    has_epoll_pwait2_ = false;  // Linux before 5.11
  }
  int milliseconds = -1;
  if (timeout) {  // rounded up: waking early would be waking for nothing
    const auto span = std::chrono::ceil<std::chrono::milliseconds>(*timeout).count();
    milliseconds = static_cast<int>(std::min<std::int64_t>(span, std::numeric_limits<int>::max()));
  }
  return ::epoll_wait(epoll_.get(), events.data(), size, milliseconds);
}

void EpollBackend::handle_event(const epoll_event& event) {
  if (event.data.ptr == nullptr) {
    std::uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof count);
    return;
  }
  UdpSocket& socket = *static_cast<UdpSocket*>(event.data.ptr);
  if ((event.events & EPOLLIN) != 0) {
    socket.is_readable = true;
  }
  if ((event.events & EPOLLERR) != 0) {
    socket.handle_error();
  }
  if ((event.events & EPOLLOUT) != 0) {
    socket.handle_writable(sending_);
    watch(socket);
  }
}

/// Asks to be told about room to send while the socket has none, and only then.
void EpollBackend::watch(UdpSocket& socket) noexcept {
  if (socket.is_blocked() == socket.is_watched_writable) {
    return;
  }
  socket.is_watched_writable = socket.is_blocked();
  epoll_event event{};
  event.events = EPOLLIN;
  if (socket.is_blocked()) {
    event.events |= EPOLLOUT;
  }
  event.data.ptr = &socket;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket.descriptor(), &event);
}

std::span<const Datagram> EpollBackend::receive() {
  received_.clear();
  if (!is_polled_ && !has_news()) {
    poll(Duration::zero());
  }
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    next_reader_ = next_reader_ + 1 < sockets_.size() ? next_reader_ + 1 : 0;
    UdpSocket& socket = *sockets_[next_reader_];
    if (socket.is_readable) {
      socket.is_readable = socket.receive(received_);
      if (!received_.datagrams().empty()) {
        return received_.datagrams();
      }
    }
  }
  is_polled_ = false;
  return {};
}

UdpSocket* EpollBackend::find(const Address& source) const noexcept {
  UdpSocket* found = nullptr;
  for (const auto& socket : sockets_) {
    if (socket->local() == source) {
      return socket.get();
    }
    // A socket of the right family is preferred to [::] that takes IPv4 as well.
    if (socket->is_source(source) && (!found || socket->local().is_ipv4() == source.is_ipv4())) {
      found = socket.get();
    }
  }
  return found;
}

std::size_t EpollBackend::send(std::span<const Datagram> batch) {
  std::size_t taken = 0;
  while (taken < batch.size()) {
    const Address& source = batch[taken].path.local;
    std::size_t end = taken + 1;
    while (end < batch.size() && batch[end].path.local == source) {
      ++end;
    }
    UdpSocket* const socket = find(source);
    if (!socket) {  // closed meanwhile: lost
      taken = end;
      continue;
    }
    if (!socket->is_blocked()) {
      taken += socket->send(batch.subspan(taken, end - taken), sending_);
      watch(*socket);
    }
    if (socket->is_blocked()) {
      break;
    }
  }
  return taken;
}

std::span<const PathError> EpollBackend::errors() {
  errors_.clear();
  for (const auto& socket : sockets_) {
    if (socket->has_errors()) {
      socket->take_errors(errors_);
    }
  }
  return errors_;
}

void EpollBackend::wake() noexcept {
  const int saved = errno;  // this may be a signal handler
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  errno = saved;
}

std::string EpollBackend::describe() const {
  utsname system{};
  (void)::uname(&system);
  const auto on_off = [](bool on) { return on ? "on" : "off"; };
  const Capabilities can = capabilities();
  const bool receives_trains = std::ranges::any_of(
      sockets_, [](const auto& socket) { return socket->features().receive_offload; });
  std::string text = "epoll on Linux ";
  text.append(system.release).append(": GSO ").append(on_off(can.max_send_segments > 1));
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

}  // namespace

std::unique_ptr<Backend> epoll_backend(const EpollOptions& options) {
  static SocketCalls system_calls;
  return epoll_backend(options, system_calls);
}

std::unique_ptr<Backend> epoll_backend(const EpollOptions& options, SocketCalls& calls) {
  return std::make_unique<EpollBackend>(options, calls);
}

std::unique_ptr<Backend> system_backend() { return epoll_backend(); }

}  // namespace quoin::io
