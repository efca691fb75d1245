// SPDX-License-Identifier: MIT
/// Notices that a path has stopped carrying large datagrams, and finds what it still carries: the
/// black hole of RFC 8899 §4.3. ngtcp2 searches for the largest datagram, once for each path. Not
/// public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <quoin/time.hpp>

namespace quoin::inline v0::quic {

/// What the congestion controller counts, since the connection began.
struct FlightCounters {
  std::uint64_t in_flight = 0;     ///< bytes sent and neither acknowledged nor lost
  std::uint64_t bytes_lost = 0;    ///< declared lost
  std::uint64_t packets_lost = 0;  ///< declared lost
};

/// Watches one path at a time.
///
/// The fate of single packets is unknown here, only how many bytes are in flight and how many were
/// lost. That is enough: bytes that leave the flight without being lost were acknowledged, and if
/// more are acknowledged than small datagrams carried, a large one was among them, which proves
/// that the path carries it. Three probe timeouts without proof, in which at least three large
/// datagrams went out, raise a suspicion: from then on datagrams are small. If those get through,
/// single large ones test it; random loss may hit one, but hardly all. Only if they are lost as
/// well was it a black hole, and smaller sizes are tried.
class PathMtuGuard {
 public:
  /// What every path carries (RFC 9000 §14).
  static constexpr std::size_t base = 1200;
  /// How many trials of a size may be lost before it is given up.
  static constexpr int max_trials = 3;

  /// `ladder`: sizes to try below one that failed; outlives this.
  explicit PathMtuGuard(std::span<const std::uint16_t> ladder) noexcept : ladder_(ladder) {}

  /// Another path is in use; nothing is known about it yet.
  void start_path(std::size_t size) noexcept;
  /// Probing has found that the path carries `size`.
  void set_path_size(std::size_t size) noexcept;

  /// A datagram left; `counters` are those after it.
  void handle_sent(std::size_t size, const FlightCounters& counters, Time now) noexcept;
  /// Something was received, or a timer has expired.
  void handle_news(const FlightCounters& counters, Duration pto, Time now) noexcept;

  /// A message says that a datagram was too large. It may be forged, so it only hastens a suspicion
  /// that would arise anyway.
  void handle_too_large() noexcept { warned_ = true; }

  /// Datagrams must be smaller than the size that probing found.
  [[nodiscard]] bool is_limited() const noexcept { return limited_; }

  /// The largest size of the next datagram.
  [[nodiscard]] std::size_t limit() const noexcept { return trial_due_ ? target_ : size_; }

  /// The largest size of datagrams at present, except trials.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// The number of black holes so far.
  [[nodiscard]] std::uint64_t fallbacks() const noexcept { return fallbacks_; }

 private:
  void expect_proof() noexcept;

  /// The size in use may turn out to be too large.
  [[nodiscard]] bool expects_proof() const noexcept { return size_ > base; }

  void check_proof(std::uint64_t acknowledged, Duration pto, Time now) noexcept;
  void check_trial(std::uint64_t settled, bool large_lost, std::uint64_t in_flight,
                   Time now) noexcept;
  void begin_trials(std::size_t target) noexcept;
  void handle_trial_lost(Time now) noexcept;
  void handle_trial_carried(Time now) noexcept;
  void stay_limited(Time now) noexcept;
  [[nodiscard]] std::size_t next_below(std::size_t size) const noexcept;

  std::span<const std::uint16_t> ladder_;
  std::size_t path_size_ = base;  // as probing found it
  std::size_t size_ = base;
  FlightCounters last_;
  std::uint64_t fallbacks_ = 0;

  // While datagrams are large: sent since the last proof.
  std::uint64_t small_bytes_ = 0;  // may be acknowledged without proving anything
  std::uint64_t large_sent_ = 0;
  Time first_large_{};
  bool warned_ = false;

  // During a suspicion.
  bool limited_ = false;
  bool confirmed_ = false;           // it is a black hole, not only a suspicion
  std::uint64_t unsettled_ = 0;      // bytes in flight from before, which prove nothing
  std::size_t target_ = 0;           // the size to try; 0: none
  bool trial_due_ = false;           // the next datagram may be a trial
  bool trial_flying_ = false;        // one is under way
  std::uint64_t trial_sent_ = 0;     // bytes in flight then, itself included
  std::uint64_t trial_settled_ = 0;  // bytes that were acknowledged or lost since
  std::uint64_t trial_flight_ = 0;   // the most bytes in flight since
  int trials_lost_ = 0;
  std::optional<Time> raise_at_;  // when to try the path's size again
  Duration raise_after_{};
};

}  // namespace quoin::inline v0::quic
