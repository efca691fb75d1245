// SPDX-License-Identifier: MIT
/// Points and spans of time as the whole library uses them. Not a clock: nothing here can tell the
/// time, because only a backend knows it (see quoin/io/backend.hpp).
#pragma once

#include <quoin/version.hpp>

#include <chrono>
#include <cstdint>

namespace quoin::inline v0 {

/// The time base of one backend: monotonic nanoseconds from an origin of the backend's choice. It
/// has no `now()` on purpose: the engine cannot read a clock; it is told the time.
struct Clock {
  using rep = std::int64_t;                           ///< Ticks.
  using period = std::nano;                           ///< One tick is one nanosecond.
  using duration = std::chrono::nanoseconds;          ///< A span of this clock.
  using time_point = std::chrono::time_point<Clock>;  ///< A point of this clock.
  static constexpr bool is_steady = true;             ///< It never goes backwards.
};

/// A span of time, in nanoseconds.
using Duration = Clock::duration;
/// A point in time of one backend. Points of two backends must not be compared.
using Time = Clock::time_point;

}  // namespace quoin::inline v0
