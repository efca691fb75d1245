// SPDX-License-Identifier: MIT
/// The datagrams that a turn has built and the backend has not taken yet. It takes no more while
/// some are left over: a queue of datagrams would defeat the engine's pacing.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <quoin/datagram.hpp>
#include <quoin/io/backend.hpp>

namespace quoin::inline v0 {

/// One batch for io::Backend::send(), with the bytes of its datagrams.
class Outbox {
 public:
  Outbox() { batch_.reserve(max_datagrams); }

  /// Room for the payload of the next datagram; empty if the batch should be sent first. A full
  /// train leaves at once, while its bytes are still in the cache; small datagrams share a call.
  [[nodiscard]] std::span<std::byte> room() noexcept {
    const bool full = used_ >= max_train || batch_.size() == max_datagrams;
    return full ? std::span<std::byte>{} : std::span{arena_}.subspan(used_, max_train);
  }

  /// Adds a datagram whose payload is at the front of what room() returned.
  void add(const Datagram& datagram) {
    batch_.push_back(datagram);
    used_ += datagram.payload.size();
  }

  [[nodiscard]] bool is_empty() const noexcept { return batch_.empty(); }

  /// Offers everything to the backend; false if it did not take all.
  [[nodiscard]] bool flush(io::Backend& backend) {
    if (batch_.empty()) return true;
    sent_ += backend.send(std::span<const Datagram>{batch_}.subspan(sent_));
    if (sent_ < batch_.size()) return false;
    batch_.clear();
    sent_ = used_ = 0;
    return true;
  }

 private:
  // The largest UDP payload of IPv4, which limits a train as well; IPv6 would take 20 bytes more.
  static constexpr std::size_t max_train = 65507;
  static constexpr std::size_t max_datagrams = 64;

  std::vector<std::byte> arena_ = std::vector<std::byte>(2 * max_train);
  std::vector<Datagram> batch_;
  std::size_t sent_ = 0;  // of batch_, from its front
  std::size_t used_ = 0;  // of arena_, in bytes
};

}  // namespace quoin::inline v0
