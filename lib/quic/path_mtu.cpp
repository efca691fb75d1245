// SPDX-License-Identifier: MIT
/// See path_mtu.hpp.

#include "quic/path_mtu.hpp"

#include <algorithm>
#include <chrono>

namespace quoin::inline v0::quic {
namespace {

constexpr int patience = 3;  // probe timeouts without a proof; ngtcp2 has then probed twice
constexpr int patience_when_warned = 1;
constexpr std::uint64_t min_large_sent = 3;
/// How many later packets declare one lost (RFC 9002 §6.1.1): half of those in flight, within these
/// limits.
constexpr std::uint64_t min_reordering = 3;
constexpr std::uint64_t max_reordering = 256;
constexpr Duration first_raise = std::chrono::seconds{60};
constexpr Duration last_raise = std::chrono::seconds{600};  // RFC 8899 §5.1.1

}  // namespace

void PathMtuGuard::start_path(std::size_t size) noexcept {
  const std::uint64_t fallbacks = fallbacks_;
  const FlightCounters last = last_;
  *this = PathMtuGuard{ladder_};
  fallbacks_ = fallbacks;
  last_ = last;
  path_size_ = size_ = size;
}

void PathMtuGuard::set_path_size(std::size_t size) noexcept {
  if (size != path_size_) start_path(size);
}

void PathMtuGuard::expect_proof() noexcept {
  small_bytes_ = 0;
  large_sent_ = 0;
  warned_ = false;
}

void PathMtuGuard::handle_sent(std::size_t size, const FlightCounters& counters,
                               Time now) noexcept {
  const bool counts = counters.in_flight > last_.in_flight;  // an ACK alone does not
  last_ = counters;
  trial_flight_ = std::max(trial_flight_, counters.in_flight);
  if (!counts) return;
  if (size <= base) {
    small_bytes_ += size;
  } else if (expects_proof()) {
    if (large_sent_++ == 0) first_large_ = now;
  }
  if (trial_due_ && size > size_) {
    trial_due_ = false;
    trial_flying_ = true;
    trial_settled_ = 0;
    trial_sent_ = trial_flight_ = counters.in_flight;
  }
}

void PathMtuGuard::handle_news(const FlightCounters& counters, Duration pto, Time now) noexcept {
  const std::uint64_t lost = counters.bytes_lost - last_.bytes_lost;
  const std::uint64_t packets = counters.packets_lost - last_.packets_lost;
  const std::uint64_t settled =
      last_.in_flight > counters.in_flight ? last_.in_flight - counters.in_flight : 0;
  const std::uint64_t acknowledged = settled > lost ? settled - lost : 0;
  last_ = counters;
  if (path_size_ <= base) return;
  if (limited_) {
    const std::uint64_t old = std::min(unsettled_, settled);
    unsettled_ -= old;
    if (trial_flying_) {
      check_trial(settled, lost > packets * size_, counters.in_flight, now);
    } else if (raise_at_ && now >= *raise_at_) {
      raise_at_.reset();
      begin_trials(path_size_);
    } else if (target_ != 0 && acknowledged > 0 && unsettled_ == 0) {
      trial_due_ = true;
    }
  }
  if (expects_proof()) check_proof(acknowledged, pto, now);
}

void PathMtuGuard::check_proof(std::uint64_t acknowledged, Duration pto, Time now) noexcept {
  if (acknowledged > small_bytes_) {
    expect_proof();
  } else {
    small_bytes_ = std::min(small_bytes_ - acknowledged, last_.in_flight);
  }
  const int limit = warned_ ? patience_when_warned : patience;
  if (large_sent_ < min_large_sent || now - first_large_ < limit * pto) return;
  if (!limited_) raise_after_ = first_raise;
  limited_ = true;
  confirmed_ = false;
  trial_due_ = false;
  trial_flying_ = false;
  raise_at_.reset();
  unsettled_ = last_.in_flight;
  target_ = size_;
  size_ = base;
  trials_lost_ = 0;
  expect_proof();
}

void PathMtuGuard::begin_trials(std::size_t target) noexcept {
  target_ = target;
  trials_lost_ = 0;
  trial_due_ = target != 0;
}

void PathMtuGuard::check_trial(std::uint64_t settled, bool large_lost, std::uint64_t in_flight,
                               Time now) noexcept {
  trial_settled_ += settled;
  const std::uint64_t overtakers =
      std::clamp(trial_flight_ / 2, min_reordering * size_, max_reordering * size_);
  if (large_lost) {
    trial_flying_ = false;
    handle_trial_lost(now);
  } else if (trial_settled_ >= trial_sent_ + overtakers || in_flight == 0) {
    trial_flying_ = false;
    handle_trial_carried(now);
  }
}

void PathMtuGuard::handle_trial_lost(Time now) noexcept {
  if (++trials_lost_ < max_trials) {
    trial_due_ = true;
    return;
  }
  if (!confirmed_) ++fallbacks_;
  confirmed_ = true;
  const std::size_t next = next_below(target_);
  begin_trials(next > size_ ? next : 0);
  if (target_ == 0) stay_limited(now);
}

void PathMtuGuard::handle_trial_carried(Time now) noexcept {
  size_ = target_;
  target_ = 0;
  if (size_ < path_size_) {
    stay_limited(now);
  } else {
    limited_ = false;
  }
  expect_proof();
  small_bytes_ = last_.in_flight;  // most of it
}

void PathMtuGuard::stay_limited(Time now) noexcept {
  raise_at_ = now + raise_after_;
  raise_after_ = std::min(2 * raise_after_, last_raise);
}

std::size_t PathMtuGuard::next_below(std::size_t size) const noexcept {
  std::size_t best = base;
  for (const std::uint16_t rung : ladder_) {
    if (rung < size) best = std::max<std::size_t>(best, rung);
  }
  return best;
}

}  // namespace quoin::inline v0::quic
