// SPDX-License-Identifier: MIT
/// DATAGRAM frames that wait to be sent or are under way, and their counters (RFC 9221). Not
/// public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/config.hpp>

#include "base/fifo.hpp"

namespace quoin::inline v0::quic {

/// A bounded queue. Between two packets only its policy removes frames, and only from one end: so
/// the dropped ones are a range of numbers, however many.
class DatagramQueue {
 public:
  struct Entry {
    DatagramId id{};
    std::vector<std::byte> data;
  };

  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

  /// Waiting bytes.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  [[nodiscard]] Entry& front() noexcept { return waiting_.front(); }

  void pop_front() { bytes_ -= waiting_.pop_front().data.size(); }

  /// False: refused. `limit` is 1 or more.
  [[nodiscard]] bool push(Bytes data, std::size_t limit, DatagramPolicy policy);

  /// The number the next push() will give.
  [[nodiscard]] DatagramId next_id() const noexcept { return DatagramId{next_id_}; }

  /// Calls `tell` with each that push() dropped since the last time.
  template <class Tell>
  void take_dropped(Tell tell) {
    for (; dropped_count_ > 0; --dropped_count_) tell(DatagramId{first_dropped_++});
  }

  /// The front one went into a packet.
  void note_sent();
  /// The fate of a sent one is known.
  void settle(DatagramId id) noexcept;

  /// There are sent ones with unknown fate.
  [[nodiscard]] bool has_unsettled() const noexcept { return !unsettled_.empty(); }

  /// The connection is over: calls `tell` with each sent one whose fate is unknown.
  template <class Tell>
  void take_unsettled(Tell tell) {
    while (has_unsettled()) {
      if (const Sent each = unsettled_.pop_front(); !each.is_settled) tell(each.id);
    }
  }

  /// A packet with this one was retransmitted in part, after which its loss is not reported.
  void watch(DatagramId id, std::int64_t packet) {
    watched_.push_back({.id = id, .packet = packet});
  }

  [[nodiscard]] bool has_watched() const noexcept { return !watched_.empty(); }

  /// Calls `tell` with each watched one whose fate is unknown and whose packet `is_under_way` says
  /// is no longer in flight.
  template <class IsUnderWay, class Tell>
  void take_lost(IsUnderWay is_under_way, Tell tell) {
    for (std::size_t left = watched_.size(); left > 0; --left) {
      const Watched each = watched_.pop_front();
      if (is_settled(each.id)) continue;
      if (is_under_way(each.packet)) {
        watched_.push_back(each);
      } else {
        tell(each.id);
      }
    }
  }

  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t lost = 0;
  std::uint64_t dropped = 0;
  std::uint64_t refused = 0;

 private:
  struct Sent {
    DatagramId id{};
    bool is_settled = false;
  };

  struct Watched {
    DatagramId id{};
    std::int64_t packet = 0;
  };

  void note_dropped(DatagramId id) noexcept;
  [[nodiscard]] Sent* find_sent(DatagramId id) noexcept;

  [[nodiscard]] bool is_settled(DatagramId id) noexcept {
    const Sent* const found = find_sent(id);
    return found == nullptr || found->is_settled;
  }

  Fifo<Entry> waiting_;
  Fifo<Sent> unsettled_;  // by number, from the first with unknown fate
  Fifo<Watched> watched_;
  std::size_t bytes_ = 0;
  std::uint64_t next_id_ = 0;
  std::uint64_t first_dropped_ = 0;
  std::uint64_t dropped_count_ = 0;
};

}  // namespace quoin::inline v0::quic
