// SPDX-License-Identifier: MIT
/// DATAGRAM frames that wait to be sent, and what is counted of them (RFC 9221). Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/config.hpp>

#include "fifo.hpp"

namespace quoin::quic {

/// A bounded queue. Between two packets nothing leaves it but what its policy drops, and that from
/// one end: so those dropped are a row of numbers, however many they are.
class DatagramQueue {
 public:
  struct Entry {
    DatagramId id{};
    std::vector<std::byte> data;
  };

  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

  /// Bytes that wait.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  [[nodiscard]] Entry& front() noexcept { return waiting_.front(); }

  void pop_front() { bytes_ -= waiting_.pop_front().data.size(); }

  /// False: refused. `limit` is 1 or more.
  [[nodiscard]] bool push(Bytes data, std::size_t limit, DatagramPolicy policy);

  /// The number that the next push() gives.
  [[nodiscard]] DatagramId next_id() const noexcept { return DatagramId{next_id_}; }

  /// Calls `tell` with each that push() dropped since the last time.
  template <class Tell>
  void take_dropped(Tell tell) {
    for (; dropped_count_ > 0; --dropped_count_) tell(DatagramId{first_dropped_++});
  }

  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t lost = 0;
  std::uint64_t dropped = 0;
  std::uint64_t refused = 0;

 private:
  void note_dropped(DatagramId id) noexcept;

  Fifo<Entry> waiting_;
  std::size_t bytes_ = 0;
  std::uint64_t next_id_ = 0;
  std::uint64_t first_dropped_ = 0;
  std::uint64_t dropped_count_ = 0;
};

}  // namespace quoin::quic
