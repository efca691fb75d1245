// SPDX-License-Identifier: MIT
/// Where a server shows its figures to other threads. Not public.
#pragma once

#include <mutex>

#include <quoin/server.hpp>

namespace quoin::inline v0 {

/// The figures as they were when they were written last. Thread-safe; nobody waits longer than it
/// takes to copy them.
class StatsBoard {
 public:
  void write(const ServerStats& stats) {
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
