// SPDX-License-Identifier: MIT
/// Keeps packets on another path from being overtaken by so many others that their numbers can no
/// longer be decoded. Not public.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>

#include <quoin/time.hpp>

namespace quoin::inline v0::quic {

/// A packet carries the last byte or bytes of its number; the rest follows from the largest number
/// that was received (RFC 9000 §17.1, §A.3). A sender takes one byte while less than 128 packets
/// are not acknowledged, which is right on one path. But a probe of a slow path arrives after
/// hundreds of packets sent later on a fast one, its number is taken for a larger one, and it
/// cannot be decrypted: nothing sent on the new path is ever understood. So after such a packet
/// only a harmless number may follow on the path in use.
///
/// Not for long: a probe may be lost, and then the next one finds the path. Each further one gives
/// a slower path more time.
class OvertakingGuard {
 public:
  /// How many may follow at once.
  static constexpr std::size_t free_packets = 90;
  /// How many may follow in total, with some room for skipped numbers.
  static constexpr std::size_t max_packets = 120;
  /// How long after the first probe; then twice as long, and so on up to a second.
  static constexpr Duration first_hold = std::chrono::milliseconds{250};
  static constexpr Duration longest_hold = std::chrono::seconds{1};

  /// A packet left by another path than the one in use.
  void handle_probe(Time now) noexcept {
    if (until_ > Time{} && now >= until_) {
      hold_ = std::min(2 * hold_, longest_hold);
    }
    until_ = now + hold_;
    next_ = now;
    followed_ = 0;
  }

  /// A packet left by the path in use.
  void handle_sent(Time now) noexcept {
    ++followed_;
    if (is_holding(now) && followed_ >= free_packets) {
      next_ = now + hold_ / (max_packets - free_packets);
    }
  }

  /// The other path is now in use, or given up.
  void end() noexcept {
    until_ = Time{};
    hold_ = first_hold;
  }

  /// Packets that may be sent now.
  [[nodiscard]] std::size_t packets(Time now) const noexcept {
    if (!is_holding(now)) return std::numeric_limits<std::size_t>::max();
    if (followed_ < free_packets) return free_packets - followed_;
    return now < next_ ? 0 : 1;
  }

  /// When more may be sent.
  [[nodiscard]] Time next() const noexcept { return std::min(next_, until_); }

 private:
  [[nodiscard]] bool is_holding(Time now) const noexcept { return now < until_; }

  Duration hold_ = first_hold;
  Time until_{};
  Time next_{};
  std::size_t followed_ = 0;
};

}  // namespace quoin::inline v0::quic
