// SPDX-License-Identifier: MIT
/// Loop: receives, tells the drivers the time, runs jobs and handlers, sends. Only drivers with
/// something to do are called. It knows no protocols and no sockets.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

#include "base/access.hpp"
#include "base/local_table.hpp"
#include "base/timer_heap.hpp"
#include "io/udp/shared_sockets.hpp"
#include "loop/call_in_place.hpp"
#include "loop/driver.hpp"
#include "loop/outbox.hpp"
#include "loop/slot_queue.hpp"
#include "loop/timer_queue.hpp"

namespace quoin::inline v0 {

namespace {

using Job = std::move_only_function<void()>;

// Per turn, so that no peer keeps the others' timers, handlers and datagrams waiting.
constexpr int max_receive_batches = 4;
// Then the results are sent before the rest is handled, so that peers need not wait: a batch of
// handshakes takes milliseconds.
constexpr Duration max_receive_time = std::chrono::milliseconds{1};
constexpr int max_send_batches = 16;
// Handlers of one driver may queue commands in another that was dispatched before it.
constexpr int max_dispatch_rounds = 4;
// What the pacer held back during a turn is often due twice before it is all sent.
constexpr int max_catch_ups = 2;

}  // namespace

struct Loop::Impl {
  /// What the loop is doing.
  enum class Stage : std::uint8_t { outside, receiving, dispatching, sending };

  Impl(Loop& of, std::unique_ptr<io::Backend> chosen) : self(of), backend(std::move(chosen)) {}

  [[nodiscard]] bool is_turning() const noexcept { return stage != Stage::outside; }

  void turn();
  void receive();
  void route_errors();
  void expire();
  [[nodiscard]] Time due_at(std::uint32_t seat) const noexcept;
  void run_jobs();
  void dispatch();
  void dispatch(std::uint32_t seat);
  void send();
  [[nodiscard]] bool fill_outbox();
  void settle();
  void catch_up();
  void attach(Driver& driver);
  void close(const Address& local) noexcept;
  void detach(Driver& driver) noexcept;
  [[nodiscard]] std::optional<Time> deadline() const noexcept;

  Loop& self;
  std::unique_ptr<io::Backend> backend;
  LocalTable<Driver> sockets;
  std::span<const Datagram> unread;  ///< of the last datagrams received
  std::vector<Driver*> seats;        // null: free, and perhaps still in a queue
  std::vector<std::uint32_t> free_seats;
  SlotQueue ready;      // to be dispatched
  SlotQueue senders;    // to be asked for datagrams
  SlotQueue unsettled;  // called in this turn: their deadlines may have changed
  TimerHeap
      deadlines;  // of all drivers but the unsettled ones and those that wait for room to send
  TimerQueue timers;
  Outbox outbox;
  Time now{};
  Stage stage = Stage::outside;
  bool turn_wanted = true;
  bool is_blocked = false;  // the backend did not take all of the outbox
  std::atomic<bool> stop_wanted = false;
  std::atomic<bool> has_jobs = false;
  std::mutex jobs_mutex;
  std::vector<Job> jobs;  // guarded by jobs_mutex
  std::vector<Job> running_jobs;
  ExceptionReports reports;
};

void Loop::Impl::turn() {
  if (is_turning()) return;

  /// A driver itself may throw; the loop stays usable then.
  struct End {
    Impl& loop;

    explicit End(Impl& of) noexcept : loop(of) {}

    End(const End&) = delete;
    End& operator=(const End&) = delete;

    ~End() {
      loop.stage = Stage::outside;
      loop.turn_wanted = loop.turn_wanted || !loop.unsettled.empty() || !loop.ready.empty() ||
                         !loop.reports.empty();
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
  catch_up();
  // Last of all, since the application may want the exception out of run().
  if (const std::exception_ptr thrown = reports.deliver()) std::rethrow_exception(thrown);
}

void Loop::Impl::receive() {
  bool in_time = true;
  for (int i = 0; i < max_receive_batches && in_time; ++i) {
    if (unread.empty()) {
      unread = backend->receive();
    }
    if (unread.empty()) return;
    while (!unread.empty() && in_time) {
      const Datagram& datagram = unread.front();
      unread = unread.subspan(1);
      if (Driver* const driver = sockets.find(datagram.path.local)) {
        ready.push(driver->seat);
        driver->handle_datagram(datagram, now);
        in_time = backend->now() - now < max_receive_time;
      }
    }
  }
  turn_wanted = true;
}

void Loop::Impl::route_errors() {
  for (const io::PathError& error : backend->errors()) {
    if (Driver* const driver = sockets.find(error.path.local)) {
      ready.push(driver->seat);
      driver->handle_path_error(error, now);
    }
  }
}

void Loop::Impl::expire() {
  // Arrivals and commands may have moved deadlines; those of the other drivers stand.
  for (std::size_t left = ready.size(); left > 0; --left) {
    const std::uint32_t seat = ready.pop();
    deadlines.set(seat, due_at(seat));
    ready.push(seat);
  }
  while (!deadlines.empty() && deadlines.earliest() <= now) {
    const std::uint32_t seat = deadlines.earliest_slot();
    deadlines.set(seat, Time::max());  // until it has been asked for datagrams
    ready.push(seat);
    seats[seat]->handle_timeout(now);
  }
}

Time Loop::Impl::due_at(std::uint32_t seat) const noexcept {
  const Driver* const driver = seats[seat];
  return driver ? driver->poll_timeout().value_or(Time::max()) : Time::max();
}

void Loop::Impl::run_jobs() {
  // A job that schedules the next one must not keep the turn from ending.
  const std::uint64_t among = timers.added();
  while (std::optional<Job> job = timers.take(now, among)) {
    call_and_forget(self, "Loop::after", *job);
  }
  if (has_jobs.load(std::memory_order_acquire)) {
    {
      const std::scoped_lock lock{jobs_mutex};
      has_jobs.store(false, std::memory_order_relaxed);
      running_jobs.swap(jobs);
    }
    for (Job& job : running_jobs) {
      call_and_forget(self, "Loop::post", job);
    }
    running_jobs.clear();
  }
}

void Loop::Impl::dispatch() {
  stage = Stage::dispatching;
  for (int round = 0; !ready.empty() && round < max_dispatch_rounds; ++round) {
    for (std::size_t left = ready.size(); left > 0; --left) {
      dispatch(ready.pop());
    }
  }
  turn_wanted = turn_wanted || !ready.empty();
}

void Loop::Impl::dispatch(std::uint32_t seat) {
  if (!seats[seat]) return;
  unsettled.push(seat);
  senders.push(seat);
  try {
    seats[seat]->dispatch(now);
  } catch (...) {
    ready.push(seat);  // it may have more events
    throw;
  }
}

void Loop::Impl::send() {
  stage = Stage::sending;
  is_blocked = !outbox.flush(*backend);
  bool has_more = true;
  for (int i = 0; i < max_send_batches && !is_blocked && has_more; ++i) {
    has_more = fill_outbox();
    is_blocked = !outbox.flush(*backend);
  }
  turn_wanted = turn_wanted || (!is_blocked && has_more);
  settle();
}

/// Lets the senders take turns until the outbox is full (true) or none has more to send. Those not
/// asked are the first to be asked next time.
bool Loop::Impl::fill_outbox() {
  while (!senders.empty()) {
    const std::span<std::byte> room = outbox.room();
    if (room.empty()) return true;
    const std::uint32_t seat = senders.pop();
    if (!seats[seat]) continue;
    unsettled.push(seat);
    if (const std::optional<Datagram> datagram = seats[seat]->poll_transmit(room, now)) {
      outbox.add(*datagram);
      senders.push(seat);
    }
  }
  return false;
}

/// Notes the deadlines of those that were called.
void Loop::Impl::settle() {
  while (!unsettled.empty()) {
    const std::uint32_t seat = unsettled.pop();
    const Time due = due_at(seat);
    // Drivers overdue although handled in this turn wait for room to send.
    const bool waits_for_room = is_blocked && due <= now;
    if (waits_for_room) {
      senders.push(seat);
    }
    deadlines.set(seat, waits_for_room ? Time::max() : due);
  }
}

/// A turn takes time, and at its end the pacer's deadline for what was sent has often come. A
/// separate turn would ask the kernel for datagrams once more.
void Loop::Impl::catch_up() {
  for (int i = 0; i < max_catch_ups && !deadlines.empty() && !turn_wanted && !is_blocked; ++i) {
    const Time begun = std::exchange(now, backend->now());
    if (now <= begun || deadlines.earliest() > now) return;
    stage = Stage::receiving;
    expire();
    dispatch();
    send();
  }
}

void Loop::Impl::attach(Driver& driver) {
  if (driver.seat != Driver::no_seat) return;
  if (free_seats.empty()) {
    const auto seat = static_cast<std::uint32_t>(seats.size());
    seats.push_back(nullptr);
    free_seats.reserve(seats.size());  // detach() must not fail
    free_seats.push_back(seat);
    ready.grow(seats.size());
    senders.grow(seats.size());
    unsettled.grow(seats.size());
    deadlines.set(seat, Time::max());
  }
  driver.seat = free_seats.back();
  free_seats.pop_back();
  seats[driver.seat] = &driver;
}

void Loop::Impl::close(const Address& local) noexcept {
  if (sockets.remove(local)) {
    backend->close(local);
  }
}

void Loop::Impl::detach(Driver& driver) noexcept {
  if (driver.seat == Driver::no_seat) return;
  sockets.remove_if([&](const Address& local, const Driver& owner) {
    if (&owner == &driver) {
      backend->close(local);
    }
    return &owner == &driver;
  });
  // It may stay in the queues, where its place, free or taken, does no harm.
  deadlines.set(driver.seat, Time::max());
  seats[driver.seat] = nullptr;
  free_seats.push_back(std::exchange(driver.seat, Driver::no_seat));
}

std::optional<Time> Loop::Impl::deadline() const noexcept {
  if (turn_wanted || has_jobs.load(std::memory_order_acquire)) return now;
  std::optional<Time> first = timers.next();
  if (!deadlines.empty() && (!first || deadlines.earliest() < *first)) {
    first = deadlines.earliest();
  }
  return first;
}

Loop::Loop() : Loop(io::system_backend()) {}

Loop::Loop(std::unique_ptr<io::Backend> backend)
    : impl_(std::make_unique<Impl>(*this, std::move(backend))) {}

Loop::~Loop() {
  // Objects owned by jobs may call the loop when destroyed.
  const TimerQueue timers = std::exchange(impl_->timers, {});
  const std::vector<Job> jobs = std::exchange(impl_->jobs, {});
  // There may have been no turn since; exceptions of the handler no longer matter here.
  (void)impl_->reports.deliver();
}

void Loop::run() {
  if (impl_->is_turning()) return;
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
  if (impl_->is_turning()) return;
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

void Loop::on_exception(
    std::move_only_function<void(std::string_view where, std::exception_ptr thrown)> handler) {
  impl_->reports.handler = std::move(handler);
}

io::Backend& Loop::backend() noexcept { return *impl_->backend; }

int Loop::descriptor() const noexcept { return impl_->backend->descriptor(); }

void report_exception(Loop& loop, const char* where, const std::exception_ptr& thrown) noexcept {
  Loop::Impl& impl = detail::impl_of(loop);
  impl.reports.add(where, thrown);
  if (!impl.is_turning() && !std::exchange(impl.turn_wanted, true)) impl.backend->wake();
}

void attach(Loop& loop, Driver& driver) { detail::impl_of(loop).attach(driver); }

namespace {

Result<Address> keep_socket(Loop& loop, Driver& driver, Result<Address> opened) {
  if (opened) {
    attach(loop, driver);
    detail::impl_of(loop).sockets.add(*opened, driver);
    wake_driver(loop, driver);
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
    return std::unexpected(
        Error{UsageError::invalid_argument,
              "sockets of another process need io::epoll_backend() or io::uring_backend()"});
  }
  return keep_socket(loop, driver, sockets->adopt(descriptor));
}

void close_socket(Loop& loop, const Address& local) noexcept { detail::impl_of(loop).close(local); }

void detach(Loop& loop, Driver& driver) noexcept { detail::impl_of(loop).detach(driver); }

void wake_driver(Loop& loop, const Driver& driver) noexcept {
  if (driver.seat == Driver::no_seat) return;
  Loop::Impl& impl = detail::impl_of(loop);
  impl.ready.push(driver.seat);
  using Stage = Loop::Impl::Stage;
  if (impl.stage == Stage::receiving || impl.stage == Stage::dispatching) {
    return;  // dispatch() is still to come, or looks again
  }
  // A foreign event loop may be watching the descriptor already, with a later deadline.
  if (!std::exchange(impl.turn_wanted, true) && !impl.is_turning()) {
    impl.backend->wake();
  }
}

}  // namespace quoin::inline v0
