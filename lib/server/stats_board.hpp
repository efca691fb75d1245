// SPDX-License-Identifier: MIT
/// Where a server publishes its figures for other threads. Not public.
#pragma once

#include <cstring>
#include <mutex>
#include <type_traits>

#include <quoin/server.hpp>

namespace quoin::inline v0 {

/// The figures as last written. One thread writes, any thread reads; none waits longer than it
/// takes to copy them.
class StatsBoard {
 public:
  void write(const ServerStats& stats) {
    // Only this thread changes the figures, so it may read them without the lock.
    static_assert(std::has_unique_object_representations_v<ServerStats>);
    if (std::memcmp(&stats_, &stats, sizeof(stats)) == 0) return;
    const std::scoped_lock lock{mutex_};
    stats_ = stats;
  }

  [[nodiscard]] ServerStats read() const {
    const std::scoped_lock lock{mutex_};
    return stats_;
  }

 private:
  mutable std::mutex mutex_;
  ServerStats stats_;
};

}  // namespace quoin::inline v0
