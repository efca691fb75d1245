// SPDX-License-Identifier: MIT
/// The epoll backend: waits for its sockets, a wake-up and a deadline, and receives with one system
/// call for many datagrams.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/epoll.hpp>
#include <quoin/io/socket_options.hpp>
#include <quoin/time.hpp>

#include "io/udp/descriptor.hpp"
#include "io/udp/epoll_backend.hpp"
#include "io/udp/socket_backend.hpp"
#include "io/udp/socket_calls.hpp"
#include "io/udp/udp_socket.hpp"

namespace quoin::inline v0::io {

namespace {

constexpr std::size_t max_events = 16;

timespec to_timespec(Duration span) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(span);
  return {.tv_sec = seconds.count(), .tv_nsec = static_cast<long>((span - seconds).count())};
}

class EpollBackend final : public SocketBackend {
 public:
  EpollBackend(std::string name, const SocketOptions& options, SocketCalls& calls);

  void wait(std::optional<Time> deadline) override;
  [[nodiscard]] std::span<const Datagram> receive() override;

  [[nodiscard]] int descriptor() const noexcept override { return epoll_.get(); }

 private:
  [[nodiscard]] Result<void> watch(UdpSocket& socket) override;

  /// The kernel forgets a descriptor that is closed.
  void unwatch(UdpSocket& socket) noexcept override { std::erase(readable_, &socket); }

  void unwatch_readable(UdpSocket& socket) noexcept override {
    std::erase(readable_, &socket);
    modify(socket);
  }

  void watch_writable(UdpSocket& socket) noexcept override;
  void modify(UdpSocket& socket) noexcept;
  void poll(std::optional<Duration> timeout);
  [[nodiscard]] int poll_events(std::span<epoll_event> events, std::optional<Duration> timeout);
  void handle_event(const epoll_event& event);

  [[nodiscard]] bool has_news() const noexcept { return !readable_.empty() || has_errors(); }

  Descriptor epoll_;
  bool is_polled_ = false;  // receive() need not ask the kernel which sockets are readable
  bool has_epoll_pwait2_ = true;
  std::vector<UdpSocket*> readable_;
  std::size_t next_reader_ = 0;  // in readable_, so that each gets its turn
  ReceiveBatch received_;
};

EpollBackend::EpollBackend(std::string name, const SocketOptions& options, SocketCalls& calls)
    : SocketBackend(std::move(name), options, calls), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_descriptor(), &event);
}

Result<void> EpollBackend::watch(UdpSocket& socket) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &socket;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.descriptor(), &event) != 0) {
    return failed(epoll_.get() < 0 ? EMFILE : errno,
                  "cannot wait for UDP socket on " + socket.local().to_string());
  }
  return {};
}

void EpollBackend::wait(std::optional<Time> deadline) {
  if (has_news()) return;
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
    if (count >= 0 || errno != ENOSYS) return count;
    has_epoll_pwait2_ = false;  // Linux before 5.11
  }
  int milliseconds = -1;
  if (timeout) {  // rounded up: waking early would be useless
    const auto span = std::chrono::ceil<std::chrono::milliseconds>(*timeout).count();
    milliseconds = static_cast<int>(std::min<std::int64_t>(span, std::numeric_limits<int>::max()));
  }
  return ::epoll_wait(epoll_.get(), events.data(), size, milliseconds);
}

void EpollBackend::handle_event(const epoll_event& event) {
  if (event.data.ptr == nullptr) {
    std::uint64_t count = 0;
    (void)!::read(wake_descriptor(), &count, sizeof count);
    return;
  }
  UdpSocket& socket = *static_cast<UdpSocket*>(event.data.ptr);
  if ((event.events & EPOLLIN) != 0 && !socket.is_send_only &&
      !std::exchange(socket.is_readable, true)) {
    readable_.push_back(&socket);
  }
  if ((event.events & EPOLLERR) != 0) {
    handle_error(socket);
  }
  if ((event.events & EPOLLOUT) != 0) {
    handle_writable(socket);
  }
}

void EpollBackend::watch_writable(UdpSocket& socket) noexcept {
  if (socket.is_blocked() == socket.is_watched_writable) return;
  socket.is_watched_writable = socket.is_blocked();
  modify(socket);
}

/// Tells the kernel again what to wait for.
void EpollBackend::modify(UdpSocket& socket) noexcept {
  epoll_event event{};
  if (!socket.is_send_only) {
    event.events = EPOLLIN;
  }
  if (socket.is_watched_writable) {
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
  for (std::size_t left = readable_.size(); left > 0; --left) {
    next_reader_ = next_reader_ < readable_.size() ? next_reader_ : 0;
    UdpSocket& socket = *readable_[next_reader_];
    socket.is_readable = socket.receive(received_);
    note(socket);
    if (socket.is_readable) {
      ++next_reader_;
    } else {
      readable_[next_reader_] = readable_.back();
      readable_.pop_back();
    }
    if (!received_.datagrams().empty()) return received_.datagrams();
  }
  is_polled_ = false;
  return {};
}

}  // namespace

std::unique_ptr<Backend> epoll_backend(const SocketOptions& options) {
  return epoll_backend(options, system_calls());
}

std::unique_ptr<Backend> epoll_backend(const SocketOptions& options, SocketCalls& calls,
                                       std::string name) {
  return std::make_unique<EpollBackend>(std::move(name), options, calls);
}

std::unique_ptr<Backend> system_backend() { return epoll_backend(); }

}  // namespace quoin::inline v0::io
