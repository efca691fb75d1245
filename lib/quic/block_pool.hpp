// SPDX-License-Identifier: MIT
/// Blocks of memory for stream data, kept for reuse. Not a general allocator: one size, one
/// connection, one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace quoin::quic {

/// The bytes of one block; uninitialised when taken.
struct Block {
  static constexpr std::size_t size = 16 * 1024;

  std::array<std::byte, size> bytes;
};

using BlockPtr = std::unique_ptr<Block>;

/// The blocks of one connection. Keeps as many spare ones as were in use at a time of late, up to
/// a limit, so that a transfer allocates nothing once it runs, in whatever bursts it comes. Must
/// outlive the buffers on it.
class BlockPool {
 public:
  [[nodiscard]] BlockPtr take() {
    peak_ = std::max(peak_, ++in_use_);
    if (spare_.empty()) return std::make_unique_for_overwrite<Block>();
    BlockPtr block = std::move(spare_.back());
    spare_.pop_back();
    return block;
  }

  void give_back(BlockPtr block) {
    spare_.push_back(std::move(block));
    if (--in_use_ == 0 && ++bursts_ == memory) {
      bursts_ = 0;
      wanted_ = std::exchange(peak_, 0);
    }
    shrink(std::min(std::max(wanted_, peak_), max_spare));
  }

  /// The last stream is gone: an idle connection holds next to nothing.
  void trim() noexcept {
    wanted_ = peak_ = 0;
    shrink(0);
  }

  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }

  [[nodiscard]] std::size_t spare() const noexcept { return spare_.size(); }

  /// The most that are kept beyond as many as are in use.
  static constexpr std::size_t max_spare = 64;

 private:
  static constexpr unsigned memory = 16;  // bursts that a larger one is remembered for

  void shrink(std::size_t most) noexcept {
    while (spare_.size() > std::max(in_use_ + 1, most)) spare_.pop_back();
  }

  std::vector<BlockPtr> spare_;
  std::size_t in_use_ = 0;
  std::size_t peak_ = 0;    // of in_use_, over the bursts that are counted at present
  std::size_t wanted_ = 0;  // and over as many before them
  unsigned bursts_ = 0;     // that have left nothing in use
};

}  // namespace quoin::quic
