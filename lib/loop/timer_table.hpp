// SPDX-License-Identifier: MIT
/// All timers of one driver in one table, so that the time it asks for and what it does then cannot
/// differ. Not public.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include <quoin/loop.hpp>
#include <quoin/time.hpp>

#include "loop/timer_queue.hpp"

namespace quoin::inline v0 {

/// The deadlines of a driver itself. No driver has all of them.
enum class Deadline : std::uint8_t {
  sweep,     ///< look for requests without progress
  idle,      ///< look for unused connections
  grace,     ///< going away: look for connections not worth waiting for
  shutdown,  ///< going away: end what is left
  farewell,  ///< going away: the goodbyes have been sent
};

/// Deadlines of the driver, each at most once, and any number of timers of the objects it holds. An
/// expired deadline is recorded until it is taken: handling it may call handlers and belongs in
/// dispatch(). Jobs of timers are run, and call no handlers.
class TimerTable {
 public:
  using Job = std::move_only_function<void()>;

  /// Moves the deadline, which is pending again even if it had expired.
  void set(Deadline name, Time due) noexcept { place(name) = {.due = due}; }

  /// The same, unless it is set for an earlier time or has expired.
  void set_at_latest(Deadline name, Time due) noexcept {
    if (!is_set(name) || (!place(name).has_come && place(name).due > due)) set(name, due);
  }

  void cancel(Deadline name) noexcept { place(name) = {}; }

  /// It is pending, or has expired and was not taken.
  [[nodiscard]] bool is_set(Deadline name) const noexcept {
    return place(name).has_come || place(name).due != never;
  }

  /// Whether it has expired; true once.
  [[nodiscard]] bool take(Deadline name) noexcept {
    return std::exchange(place(name).has_come, false);
  }

  /// Runs `job` once, in expire().
  TimerId add(Time due, Job job) { return jobs_.add(due, std::move(job)); }

  void cancel(TimerId timer) noexcept { jobs_.cancel(timer); }

  /// When to call expire().
  [[nodiscard]] std::optional<Time> next() const noexcept {
    Time first = jobs_.next().value_or(never);
    for (const Place& each : deadlines_) first = std::min(first, each.due);
    return first == never ? std::nullopt : std::optional{first};
  }

  /// Serves all that is due; after it, next() is later than `now`, unless a job has set a timer for
  /// now: that is for the next time.
  void expire(Time now) {
    for (Place& each : deadlines_) {
      if (each.due <= now) each = {.has_come = true};
    }
    const std::uint64_t among = jobs_.added();
    while (std::optional<Job> job = jobs_.take(now, among)) (*job)();
  }

  /// Forgets everything.
  void clear() noexcept {
    deadlines_ = {};
    const TimerQueue dropped = std::exchange(jobs_, {});
  }

 private:
  static constexpr Time never = Time::max();
  static constexpr std::size_t count = 1 + static_cast<std::size_t>(Deadline::farewell);

  struct Place {
    Time due = never;
    bool has_come = false;
  };

  [[nodiscard]] Place& place(Deadline name) noexcept {
    return deadlines_[static_cast<std::size_t>(name)];
  }

  [[nodiscard]] const Place& place(Deadline name) const noexcept {
    return deadlines_[static_cast<std::size_t>(name)];
  }

  std::array<Place, count> deadlines_{};
  TimerQueue jobs_;
};

}  // namespace quoin::inline v0
