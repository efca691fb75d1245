// SPDX-License-Identifier: MIT
/// The io_uring backend: each socket has one multishot receive in the kernel, which runs until it
/// is out of buffers, and a wake-up is a read in the kernel as well.
///
/// The ring belongs to the thread that made it (IORING_SETUP_DEFER_TASKRUN: the kernel works only
/// when that thread asks, so nothing is interrupted). When another thread takes over, the kernel
/// returns EEXIST and a new ring is made. What has arrived stays either in the completion queue,
/// where it keeps descriptor() readable, or in arrived_, which wait() fills.

#include "io/uring/backend.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>
#include <quoin/time.hpp>

#include "io/udp/descriptor.hpp"
#include "io/udp/socket_backend.hpp"
#include "io/udp/socket_calls.hpp"
#include "io/udp/udp_socket.hpp"
#include "io/uring/message.hpp"
#include "io/uring/ring.hpp"

namespace quoin::inline v0::io {

namespace {

constexpr unsigned max_submissions = 64;
constexpr unsigned max_completions = 256;
// Half of the buffers, so that the kernel has some while a batch is being processed.
constexpr std::size_t max_batch = BufferRing::count / 2;
constexpr unsigned ring_flags =
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
constexpr Duration patience_without_ring = std::chrono::milliseconds{10};

__kernel_timespec to_timespec(Duration span) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(span);
  return {.tv_sec = seconds.count(), .tv_nsec = (span - seconds).count()};
}

class UringBackend final : public SocketBackend {
 public:
  UringBackend(const SocketOptions& options, std::unique_ptr<SocketCalls> own, SocketCalls& calls);
  UringBackend(const UringBackend&) = delete;
  UringBackend& operator=(const UringBackend&) = delete;
  ~UringBackend() override;

  /// Makes the ring and tries it. Errors: system, with what is missing.
  [[nodiscard]] Result<void> start();

  void wait(std::optional<Time> deadline) override;
  [[nodiscard]] std::span<const Datagram> receive() override;

  [[nodiscard]] int descriptor() const noexcept override;

 private:
  /// A socket, and its operations in the kernel.
  struct Receiver {
    UdpSocket& socket;
    msghdr header{};  // the room for name and control data in each buffer
    bool is_receiving = false;
    bool is_polling = false;  // for room to send
  };

  /// What a completion is about; the rest of its user data is the receiver.
  enum Subject : std::uint8_t { receiving, writing, waking, cancelling };

  static constexpr std::uintptr_t subject_mask = 3;

  /// A filled buffer.
  struct Arrival {
    Receiver* receiver;
    unsigned buffer;
    int size;
  };

  [[nodiscard]] Result<void> watch(UdpSocket& socket) override;
  void unwatch(UdpSocket& socket) noexcept override;

  void unwatch_readable(UdpSocket& socket) noexcept override { release(receiver_of(socket), true); }

  void release(const Receiver& receiver, bool while_writing);
  void watch_writable(UdpSocket& socket) noexcept override;

  [[nodiscard]] int open_ring() noexcept;
  [[nodiscard]] io_uring_sqe* submission() noexcept;
  static void mark(io_uring_sqe& entry, Subject subject, const Receiver* receiver) noexcept;
  void arm();
  void arm(Receiver& receiver) noexcept;
  void enter(std::optional<Duration> timeout);
  void poll_kernel();
  void cancel(const Receiver& receiver, Subject subject) noexcept;
  void take_over();
  void collect();
  [[nodiscard]] std::optional<Arrival> next_arrival();
  [[nodiscard]] std::optional<Arrival> handle(const io_uring_cqe& completion);
  void deliver(const Arrival& arrival);
  [[nodiscard]] Receiver& receiver_of(const UdpSocket& socket) noexcept;

  std::unique_ptr<SocketCalls> own_calls_;
  BufferRing buffers_;
  Ring ring_;
  Descriptor epoll_;  // for descriptor(), which stays when the ring is replaced
  Descriptor news_;   // tells epoll_ what the ring does not: that the kernel has deferred work
  mutable bool is_watched_ = false;  // descriptor() has been called
  std::uint64_t wake_count_ = 0;
  bool is_waking_ = false;    // the read for wake-ups is in the kernel
  bool needs_arming_ = true;  // something that should be in the kernel is not
  std::vector<std::unique_ptr<Receiver>> receivers_;
  std::size_t next_armed_ = 0;  // in receivers_, so that each gets buffers
  std::vector<Arrival> arrived_;
  std::size_t next_arrived_ = 0;  // in arrived_
  std::vector<Datagram> datagrams_;
  std::vector<unsigned> lent_;  // the buffers that the views of datagrams_ are of
};

UringBackend::UringBackend(const SocketOptions& options, std::unique_ptr<SocketCalls> own,
                           SocketCalls& calls)
    : SocketBackend("io_uring", options, calls),
      own_calls_(std::move(own)),
      buffers_(receive_buffer_size),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      news_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  datagrams_.reserve(max_batch);
  lent_.reserve(max_batch);
  epoll_event event{};
  event.events = EPOLLIN;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_descriptor(), &event);
}

UringBackend::~UringBackend() {
  for (const auto& socket : sockets()) {
    unwatch(*socket);
  }
}

Result<void> UringBackend::start() {
  const int failure = open_ring();
  if (failure != 0) return failed(failure, "no io_uring" + std::string{advice(failure)});
  const std::unique_ptr<io_uring_probe, decltype(&io_uring_free_probe)> probe{
      io_uring_get_probe_ring(ring_.get()), &io_uring_free_probe};
  for (const int opcode : {IORING_OP_RECVMSG, IORING_OP_SENDMSG, IORING_OP_POLL_ADD, IORING_OP_READ,
                           IORING_OP_ASYNC_CANCEL}) {
    if (!probe || io_uring_opcode_supported(probe.get(), opcode) == 0) {
      return failed(EOPNOTSUPP, "io_uring without operation " + std::to_string(opcode));
    }
  }
  // No probe tells whether a receive goes on after the first datagram.
  const std::array<std::byte, 4> any{};
  const Result<Address> address = open(*Address::from_bytes(any, 0));
  if (address) {
    const bool works = receivers_.front()->is_receiving;
    close(*address);
    if (!works) {
      return failed(EINVAL, "io_uring without multishot receive" + std::string{advice(EINVAL)});
    }
  }
  return {};
}

/// Returns 0 or an errno value.
int UringBackend::open_ring() noexcept {
  int failure = ring_.open(max_submissions, max_completions, ring_flags);
  if (failure == 0) {
    failure = buffers_.attach(ring_);
  }
  if (failure == 0) {
    failure = -io_uring_register_eventfd(ring_.get(), news_.get());
  }
  if (failure != 0) {
    ring_.close();
    return failure;
  }
  epoll_event event{};
  event.events = EPOLLIN;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, ring_.get()->ring_fd, &event);
  return 0;
}

/// Room for a submission; null if there is none (then later).
io_uring_sqe* UringBackend::submission() noexcept {
  return ring_.is_open() ? ring_.next() : nullptr;
}

void UringBackend::mark(io_uring_sqe& entry, Subject subject, const Receiver* receiver) noexcept {
  entry.user_data = reinterpret_cast<std::uintptr_t>(receiver) | subject;
}

void UringBackend::arm() {
  if (!needs_arming_) return;
  if (!ring_.is_open() && open_ring() != 0) return;
  needs_arming_ = false;
  if (!is_waking_) {
    if (io_uring_sqe* const entry = submission()) {
      io_uring_prep_read(entry, wake_descriptor(), &wake_count_, sizeof wake_count_, 0);
      mark(*entry, waking, nullptr);
      is_waking_ = true;
    }
  }
  for (std::size_t i = 0; i < receivers_.size(); ++i) {
    next_armed_ = next_armed_ + 1 < receivers_.size() ? next_armed_ + 1 : 0;
    if (!receivers_[next_armed_]->is_receiving && !receivers_[next_armed_]->socket.is_send_only) {
      arm(*receivers_[next_armed_]);
    }
  }
  needs_arming_ = needs_arming_ || !is_waking_;
}

void UringBackend::arm(Receiver& receiver) noexcept {
  io_uring_sqe* const entry = submission();
  if (entry == nullptr) {
    needs_arming_ = true;
    return;
  }
  prepare_receive(*entry, receiver.socket.descriptor(), receiver.header);
  mark(*entry, receiving, &receiver);
  receiver.is_receiving = true;
}

/// Submits what is queued, and waits until something completes; without a time, indefinitely.
void UringBackend::enter(std::optional<Duration> timeout) {
  arm();
  if (!ring_.is_open()) {  // the system has no room for one; the sockets are not lost
    pollfd wake{.fd = wake_descriptor(), .events = POLLIN, .revents = 0};
    const Duration span = std::min(timeout.value_or(Duration::max()), patience_without_ring);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(span).count();
    (void)::poll(&wake, 1, static_cast<int>(wait));
    return;
  }
  int result = 0;
  if (timeout && *timeout <= Duration::zero()) {
    result = io_uring_submit_and_get_events(ring_.get());
  } else {
    io_uring_cqe* first = nullptr;
    __kernel_timespec span = to_timespec(timeout.value_or(Duration::zero()));
    result = io_uring_submit_and_wait_timeout(ring_.get(), &first, 1, timeout ? &span : nullptr,
                                              nullptr);
  }
  if (result == -EEXIST) {
    take_over();
    arm();
    (void)io_uring_submit_and_get_events(ring_.get());
  }
}

/// Lets the kernel do its deferred work, without waiting.
void UringBackend::poll_kernel() {
  if (needs_arming_ || !ring_.is_open() || ring_.wants_kernel()) {
    enter(Duration::zero());
  }
  if (is_watched_) {
    std::uint64_t count = 0;
    (void)!::read(news_.get(), &count, sizeof count);
    if (ring_.is_open() && ring_.wants_kernel()) {
      enter(Duration::zero());  // which came just before the news were read
    }
  }
}

int UringBackend::descriptor() const noexcept {
  if (!is_watched_) {
    is_watched_ = true;
    epoll_event event{};
    event.events = EPOLLIN;
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, news_.get(), &event);
  }
  return epoll_.get();
}

/// Another thread made the ring, so the kernel will not work for this one.
void UringBackend::take_over() {
  collect();
  ring_.close();
  is_waking_ = false;
  needs_arming_ = true;
  for (const auto& receiver : receivers_) {
    receiver->is_receiving = false;
    receiver->is_polling = false;
  }
  if (open_ring() == 0) {
    for (const auto& receiver : receivers_) {
      watch_writable(receiver->socket);
    }
  }
}

Result<void> UringBackend::watch(UdpSocket& socket) {
  receivers_.push_back(std::make_unique<Receiver>(Receiver{.socket = socket}));
  needs_arming_ = true;
  enter(Duration::zero());
  collect();  // a kernel without support refuses at once
  if (!ring_.is_open()) {
    receivers_.pop_back();
    return failed(ENOMEM, "no io_uring for UDP socket on " + socket.local().to_string());
  }
  return {};
}

void UringBackend::cancel(const Receiver& receiver, Subject subject) noexcept {
  if (io_uring_sqe* const entry = submission()) {
    io_uring_prep_cancel64(entry, reinterpret_cast<std::uintptr_t>(&receiver) | subject, 0);
    mark(*entry, cancelling, nullptr);
  }
}

/// Returns when the kernel has let go of the socket.
void UringBackend::release(const Receiver& receiver, bool while_writing) {
  const Time end = now() + std::chrono::seconds{1};
  while (ring_.is_open() && (receiver.is_receiving || (receiver.is_polling && !while_writing))) {
    if (receiver.is_receiving) cancel(receiver, receiving);
    if (receiver.is_polling && !while_writing) cancel(receiver, writing);
    enter(patience_without_ring);
    collect();
    if (now() > end) take_over();  // without the ring, nothing of it is left either
  }
}

/// The kernel must have let go of the socket before its port can be used again.
void UringBackend::unwatch(UdpSocket& socket) noexcept {
  Receiver& receiver = receiver_of(socket);
  release(receiver, false);
  arrived_.erase(arrived_.begin(), arrived_.begin() + static_cast<std::ptrdiff_t>(next_arrived_));
  next_arrived_ = 0;
  std::erase_if(arrived_, [&](const Arrival& arrival) {
    const bool is_its = arrival.receiver == &receiver;
    if (is_its) {
      buffers_.give_back(arrival.buffer);
    }
    return is_its;
  });
  std::erase_if(receivers_, [&](const auto& each) { return each.get() == &receiver; });
  if (!arrived_.empty()) {
    wake();  // completions collected here do not keep descriptor() readable
  }
}

void UringBackend::watch_writable(UdpSocket& socket) noexcept {
  Receiver& receiver = receiver_of(socket);
  if (!socket.is_blocked() || receiver.is_polling) return;
  if (io_uring_sqe* const entry = submission()) {
    io_uring_prep_poll_add(entry, socket.descriptor(), POLLOUT);
    mark(*entry, writing, &receiver);
    receiver.is_polling = true;
    enter(Duration::zero());  // the caller may watch only descriptor()
  }
}

UringBackend::Receiver& UringBackend::receiver_of(const UdpSocket& socket) noexcept {
  return **std::ranges::find_if(receivers_,
                                [&](const auto& each) { return &each->socket == &socket; });
}

void UringBackend::wait(std::optional<Time> deadline) {
  if (has_errors() || next_arrived_ < arrived_.size()) return;
  enter(deadline ? std::optional{std::max(*deadline - now(), Duration::zero())} : std::nullopt);
  collect();
}

/// Empties the completion queue.
void UringBackend::collect() {
  while (const std::optional<Arrival> arrival = next_arrival()) {
    arrived_.push_back(*arrival);
  }
}

std::optional<UringBackend::Arrival> UringBackend::next_arrival() {
  io_uring_cqe* completion = nullptr;
  while (ring_.is_open() && io_uring_peek_cqe(ring_.get(), &completion) == 0) {
    const io_uring_cqe copy{
        .user_data = completion->user_data, .res = completion->res, .flags = completion->flags};
    io_uring_cqe_seen(ring_.get(), completion);
    if (const std::optional<Arrival> arrival = handle(copy)) return arrival;
  }
  return std::nullopt;
}

std::optional<UringBackend::Arrival> UringBackend::handle(const io_uring_cqe& completion) {
  const auto about = static_cast<std::uintptr_t>(completion.user_data);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel keeps 64 bits for us, no pointer
  auto* const receiver = reinterpret_cast<Receiver*>(about & ~subject_mask);
  switch (about & subject_mask) {
    case receiving:
      break;
    case writing:
      receiver->is_polling = false;
      if (completion.res != -ECANCELED) {
        handle_writable(receiver->socket);
      }
      return std::nullopt;
    case waking:
      is_waking_ = false;
      needs_arming_ = true;
      return std::nullopt;
    default:
      return std::nullopt;
  }
  if ((completion.flags & IORING_CQE_F_MORE) == 0) {
    receiver->is_receiving = false;
    needs_arming_ = true;
  }
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
    const unsigned buffer = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    (void)buffers_.take(buffer);
    return Arrival{.receiver = receiver, .buffer = buffer, .size = completion.res};
  }
  // Out of buffers for now, or cancelled; anything else was an error of an earlier datagram.
  if (completion.res < 0 && completion.res != -ENOBUFS && completion.res != -ECANCELED) {
    handle_error(receiver->socket);
  }
  return std::nullopt;
}

std::span<const Datagram> UringBackend::receive() {
  for (const unsigned buffer : lent_) {
    buffers_.give_back(buffer);
  }
  lent_.clear();
  datagrams_.clear();
  if (next_arrived_ == arrived_.size()) {
    arrived_.clear();
    next_arrived_ = 0;
    poll_kernel();
  }
  while (datagrams_.size() < max_batch) {
    if (next_arrived_ < arrived_.size()) {
      deliver(arrived_[next_arrived_++]);
    } else if (const std::optional<Arrival> arrival = next_arrival()) {
      deliver(*arrival);
    } else {
      break;
    }
  }
  if (needs_arming_) {
    enter(Duration::zero());  // the caller may be about to watch only descriptor()
  }
  return datagrams_;
}

/// Adds what is in a buffer to datagrams_.
void UringBackend::deliver(const Arrival& arrival) {
  std::byte* const bytes = buffers_.take(arrival.buffer);
  Receiver& receiver = *arrival.receiver;
  if (const std::optional<Datagram> datagram =
          read_message(bytes, arrival.size, receiver.header, receiver.socket.local())) {
    datagrams_.push_back(*datagram);
    lent_.push_back(arrival.buffer);
  } else {
    buffers_.give_back(arrival.buffer);
  }
}

}  // namespace

Result<std::unique_ptr<Backend>> make_uring_backend(const SocketOptions& options,
                                                    SocketCalls* calls) {
  std::unique_ptr<SocketCalls> own = calls == nullptr ? uring_calls() : nullptr;
  SocketCalls& used = calls == nullptr ? *own : *calls;
  auto backend = std::make_unique<UringBackend>(options, std::move(own), used);
  if (Result<void> started = backend->start(); !started) {
    return std::unexpected(std::move(started).error());
  }
  return backend;
}

}  // namespace quoin::inline v0::io
