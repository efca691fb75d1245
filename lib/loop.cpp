// SPDX-License-Identifier: MIT
/// Loop: receives, tells the drivers the time, runs jobs and handlers, sends. No protocol and no
/// socket is known here.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

#include "driver.hpp"
#include "io/shared_sockets.hpp"
#include "outbox.hpp"
#include "timer_queue.hpp"

namespace quoin {

namespace {

using Job = std::move_only_function<void()>;

// Per turn, so that no peer keeps the others' timers, handlers and datagrams waiting.
constexpr int max_receive_batches = 4;
constexpr int max_send_batches = 16;
// Handlers of one driver may queue commands in another that was dispatched before it.
constexpr int max_dispatch_rounds = 4;

Time later(Time time, Duration delay) noexcept {
  return delay < Time::max() - time ? time + std::max(delay, Duration::zero()) : Time::max();
}

}  // namespace

struct Loop::Impl {
  /// A socket and whose it is.
  struct Socket {
    Address local;
    Driver* driver;
  };

  /// What the loop is doing.
  enum class Stage : std::uint8_t { outside, receiving, dispatching, sending };

  explicit Impl(std::unique_ptr<io::Backend> chosen) : backend(std::move(chosen)) {}

  [[nodiscard]] bool is_turning() const noexcept { return stage != Stage::outside; }

  void turn();
  void receive();
  void route_errors();
  void expire();
  void run_jobs();
  void dispatch();
  void send();
  [[nodiscard]] bool fill_outbox();
  [[nodiscard]] Driver* driver_of(const Address& local) noexcept;
  void attach(Driver& driver);
  void close(const Address& local) noexcept;
  void detach(const Driver& driver) noexcept;
  [[nodiscard]] std::optional<Time> deadline() const noexcept;

  std::unique_ptr<io::Backend> backend;
  std::vector<Socket> sockets;
  std::vector<Driver*> drivers;  // null: detached during this turn
  std::vector<bool> is_idle;     // in the sending stage: the driver has nothing more to send
  std::size_t next_sender = 0;   // in drivers
  TimerQueue timers;
  Outbox outbox;
  Time now{};
  Stage stage = Stage::outside;
  bool turn_wanted = true;
  bool dispatch_wanted = false;
  bool is_blocked = false;  // the backend did not take all of the outbox
  std::atomic<bool> stop_wanted = false;
  std::atomic<bool> has_jobs = false;
  std::mutex jobs_mutex;
  std::vector<Job> jobs;  // guarded by jobs_mutex
  std::vector<Job> running_jobs;
};

void Loop::Impl::turn() {
  if (is_turning()) {
    return;
  }

  /// Handlers may throw; the loop stays usable then.
  struct End {
    Impl& loop;

    explicit End(Impl& of) noexcept : loop(of) {}

    End(const End&) = delete;
    End& operator=(const End&) = delete;

    ~End() {
      loop.stage = Stage::outside;
      std::erase(loop.drivers, nullptr);
      loop.running_jobs.clear();
    }
  };

  const End end{*this};
  stage = Stage::receiving;
  turn_wanted = false;
  now = backend->now();
  receive();
  route_errors();
  expire();
  run_jobs();
  dispatch();
  send();
}

void Loop::Impl::receive() {
  for (int i = 0; i < max_receive_batches; ++i) {
    const std::span<const Datagram> batch = backend->receive();
    if (batch.empty()) {
      return;
    }
    for (const Datagram& datagram : batch) {
      if (Driver* const driver = driver_of(datagram.path.local)) {
        driver->handle_datagram(datagram, now);
      }
    }
  }
  turn_wanted = true;
}

void Loop::Impl::route_errors() {
  for (const io::PathError& error : backend->errors()) {
    if (Driver* const driver = driver_of(error.path.local)) {
      driver->handle_path_error(error, now);
    }
  }
}

void Loop::Impl::expire() {
  // NOLINTNEXTLINE(modernize-loop-convert): a handler may attach a driver, which moves them
  for (std::size_t i = 0; i < drivers.size(); ++i) {
    const std::optional<Time> due = drivers[i] ? drivers[i]->poll_timeout() : std::nullopt;
    if (due && *due <= now) {
      drivers[i]->handle_timeout(now);
    }
  }
}

void Loop::Impl::run_jobs() {
  // A job that schedules the next one must not keep the turn from ending.
  const std::uint64_t among = timers.added();
  while (std::optional<Job> job = timers.take(now, among)) {
    (*job)();
  }
  if (has_jobs.load(std::memory_order_acquire)) {
    {
      const std::scoped_lock lock{jobs_mutex};
      has_jobs.store(false, std::memory_order_relaxed);
      running_jobs.swap(jobs);
    }
    for (Job& job : running_jobs) {
      std::exchange(job, nullptr)();
    }
    running_jobs.clear();
  }
}

void Loop::Impl::dispatch() {
  stage = Stage::dispatching;
  dispatch_wanted = true;
  for (int round = 0; dispatch_wanted && round < max_dispatch_rounds; ++round) {
    dispatch_wanted = false;
    // NOLINTNEXTLINE(modernize-loop-convert): a handler may attach a driver, which moves them
    for (std::size_t i = 0; i < drivers.size(); ++i) {
      if (drivers[i]) {
        drivers[i]->dispatch(now);
      }
    }
  }
  turn_wanted = turn_wanted || dispatch_wanted;
}

void Loop::Impl::send() {
  stage = Stage::sending;
  is_blocked = !outbox.flush(*backend);
  is_idle.assign(drivers.size(), false);
  for (int i = 0; i < max_send_batches && !is_blocked; ++i) {
    const bool has_more = fill_outbox();
    is_blocked = !outbox.flush(*backend);
    if (!has_more) {
      return;
    }
  }
  turn_wanted = turn_wanted || !is_blocked;
}

/// Lets the drivers take turns until the outbox is full (true) or none has more to send.
bool Loop::Impl::fill_outbox() {
  std::size_t idle_in_a_row = 0;
  while (idle_in_a_row < drivers.size()) {
    next_sender = next_sender < drivers.size() ? next_sender : 0;
    const std::size_t sender = next_sender;
    if (!drivers[sender] || is_idle[sender]) {
      ++idle_in_a_row;
      ++next_sender;
      continue;
    }
    const std::span<std::byte> room = outbox.room();
    if (room.empty()) {
      return true;
    }
    ++next_sender;
    if (const std::optional<Datagram> datagram = drivers[sender]->poll_transmit(room, now)) {
      outbox.add(*datagram);
      idle_in_a_row = 0;
    } else {
      is_idle[sender] = true;
      ++idle_in_a_row;
    }
  }
  return false;
}

Driver* Loop::Impl::driver_of(const Address& local) noexcept {
  Driver* found = nullptr;
  for (const Socket& socket : sockets) {
    if (socket.local == local) {
      return socket.driver;
    }
    const bool is_wildcard = socket.local.is_any() && socket.local.port() == local.port();
    // [::] may take IPv4 as well, but a socket of the right family knows better.
    const bool same_family = socket.local.is_ipv4() == local.is_ipv4();
    if (is_wildcard && (same_family || (!found && socket.local.is_ipv6()))) {
      found = socket.driver;
    }
  }
  return found;
}

void Loop::Impl::attach(Driver& driver) {
  if (std::ranges::find(drivers, &driver) == drivers.end()) {
    drivers.push_back(&driver);
    is_idle.push_back(false);
  }
}

void Loop::Impl::close(const Address& local) noexcept {
  if (std::erase_if(sockets, [&](const Socket& socket) { return socket.local == local; }) != 0) {
    backend->close(local);
  }
}

void Loop::Impl::detach(const Driver& driver) noexcept {
  for (Driver*& each : drivers) {
    each = each == &driver ? nullptr : each;
  }
  if (!is_turning()) {
    std::erase(drivers, nullptr);  // within a turn, indexes into it are in use
  }
  std::erase_if(sockets, [&](const Socket& socket) {
    if (socket.driver == &driver) {
      backend->close(socket.local);
    }
    return socket.driver == &driver;
  });
}

std::optional<Time> Loop::Impl::deadline() const noexcept {
  if (turn_wanted || has_jobs.load(std::memory_order_acquire)) {
    return now;
  }
  std::optional<Time> first = timers.next();
  for (const Driver* const driver : drivers) {
    const std::optional<Time> due = driver ? driver->poll_timeout() : std::nullopt;
    // What is overdue although it was handled in the last turn waits for room to send.
    if (due && (!first || *due < *first) && !(is_blocked && *due <= now)) {
      first = due;
    }
  }
  return first;
}

Loop::Loop() : Loop(io::system_backend()) {}

Loop::Loop(std::unique_ptr<io::Backend> backend)
    : impl_(std::make_unique<Impl>(std::move(backend))) {}

Loop::~Loop() {
  // What jobs own may call the loop when it goes.
  const TimerQueue timers = std::exchange(impl_->timers, {});
  const std::vector<Job> jobs = std::exchange(impl_->jobs, {});
}

void Loop::run() {
  if (impl_->is_turning()) {
    return;
  }
  turn();
  while (!impl_->stop_wanted.exchange(false)) {
    wait();
    turn();
  }
}

void Loop::stop() noexcept {
  impl_->stop_wanted.store(true);
  impl_->backend->wake();
}

void Loop::turn() { impl_->turn(); }

std::optional<Time> Loop::deadline() const noexcept { return impl_->deadline(); }

void Loop::wait() {
  if (impl_->is_turning()) {
    return;
  }
  const std::optional<Time> until = deadline();
  if (!until || *until > impl_->backend->now()) {
    impl_->backend->wait(until);
  }
}

Time Loop::now() const noexcept { return impl_->is_turning() ? impl_->now : impl_->backend->now(); }

TimerId Loop::after(Duration delay, Job job) {
  return impl_->timers.add(later(now(), delay), std::move(job));
}

void Loop::cancel(TimerId timer) noexcept { impl_->timers.cancel(timer); }

void Loop::post(Job job) {
  bool is_first = false;
  {
    const std::scoped_lock lock{impl_->jobs_mutex};
    is_first = impl_->jobs.empty();
    impl_->jobs.push_back(std::move(job));
    impl_->has_jobs.store(true, std::memory_order_release);
  }
  if (is_first) {
    impl_->backend->wake();
  }
}

io::Backend& Loop::backend() noexcept { return *impl_->backend; }

int Loop::descriptor() const noexcept { return impl_->backend->descriptor(); }

void attach(Loop& loop, Driver& driver) { loop.impl().attach(driver); }

namespace {

Result<Address> keep_socket(Loop& loop, Driver& driver, Result<Address> opened) {
  if (opened) {
    attach(loop, driver);
    loop.impl().sockets.push_back({.local = *opened, .driver = &driver});
    wake_driver(loop);
  }
  return opened;
}

}  // namespace

Result<Address> open_socket(Loop& loop, Driver& driver, const Address& local) {
  return keep_socket(loop, driver, loop.backend().open(local));
}

Result<Address> adopt_socket(Loop& loop, Driver& driver, int descriptor) {
  auto* const sockets = dynamic_cast<io::SharedSockets*>(&loop.backend());
  if (sockets == nullptr) {
    return std::unexpected{
        Error{UsageError::invalid_argument,
              "sockets of another process need io::epoll_backend() or io::uring_backend()"}};
  }
  return keep_socket(loop, driver, sockets->adopt(descriptor));
}

void close_socket(Loop& loop, const Address& local) noexcept { loop.impl().close(local); }

void detach(Loop& loop, Driver& driver) noexcept { loop.impl().detach(driver); }

void wake_driver(Loop& loop) noexcept {
  Loop::Impl& impl = loop.impl();
  if (impl.stage == Loop::Impl::Stage::dispatching) {
    impl.dispatch_wanted = true;
  } else if (impl.stage != Loop::Impl::Stage::receiving) {  // else dispatch() is still to come
    // A foreign event loop may be watching the descriptor already, with a later deadline.
    if (!std::exchange(impl.turn_wanted, true) && !impl.is_turning()) {
      impl.backend->wake();
    }
  }
}

}  // namespace quoin
