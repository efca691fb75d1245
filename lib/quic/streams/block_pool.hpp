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

namespace quoin::inline v0::quic {

/// The bytes of one block; uninitialised when taken.
struct Block {
  static constexpr std::size_t size = 16 * 1024;

  std::array<std::byte, size> bytes;
};

/// A block for a writer to fill, so that large amounts need no copy. Zeroed first: a writer that
/// fills less than it claims leaks no other memory.
struct LargeBlock {
  static constexpr std::size_t size = 128 * 1024;

  std::array<std::byte, size> bytes{};
};

using BlockPtr = std::unique_ptr<Block>;
using LargeBlockPtr = std::unique_ptr<LargeBlock>;

/// Blocks of one kind. Keeps as many spare ones as were recently in use at a time, up to a limit,
/// so that a running transfer allocates nothing, whatever its bursts.
template <class B, std::size_t limit>
class SpareBlocks {
 public:
  [[nodiscard]] std::unique_ptr<B> take() {
    peak_ = std::max(peak_, ++in_use_);
    if (spare_.empty()) return std::make_unique_for_overwrite<B>();
    std::unique_ptr<B> block = std::move(spare_.back());
    spare_.pop_back();
    return block;
  }

  void give_back(std::unique_ptr<B> block) {
    spare_.push_back(std::move(block));
    if (--in_use_ == 0 && ++bursts_ == memory) {
      bursts_ = 0;
      wanted_ = std::exchange(peak_, 0);
    }
    shrink(std::min(std::max(wanted_, peak_), limit));
  }

  void trim() noexcept {
    wanted_ = peak_ = 0;
    shrink(0);
  }

  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }

  [[nodiscard]] std::size_t spare() const noexcept { return spare_.size(); }

 private:
  static constexpr unsigned memory = 16;  // bursts that a larger one is remembered for

  void shrink(std::size_t most) noexcept {
    while (spare_.size() > std::max(in_use_ + 1, most)) spare_.pop_back();
  }

  std::vector<std::unique_ptr<B>> spare_;
  std::size_t in_use_ = 0;
  std::size_t peak_ = 0;    // of in_use_, over the bursts of the current count
  std::size_t wanted_ = 0;  // and over as many before
  unsigned bursts_ = 0;     // bursts that left nothing in use
};

/// The blocks of one connection. Must outlive the buffers on it.
class BlockPool {
 public:
  /// The most spare blocks, beyond as many as are in use.
  static constexpr std::size_t max_spare = 64;

  [[nodiscard]] BlockPtr take() { return blocks_.take(); }

  void give_back(BlockPtr block) { blocks_.give_back(std::move(block)); }

  /// Takes and returns `filled`, leaving its owner another block.
  [[nodiscard]] LargeBlockPtr swap(LargeBlockPtr& filled) {
    LargeBlockPtr other = large_.take();
    std::swap(filled, other);
    return other;
  }

  void give_back(LargeBlockPtr block) { large_.give_back(std::move(block)); }

  /// The last stream is gone: an idle connection holds almost nothing.
  void trim() noexcept {
    blocks_.trim();
    large_.trim();
  }

  /// Those that take() has given; without the large ones.
  [[nodiscard]] std::size_t in_use() const noexcept { return blocks_.in_use(); }

  [[nodiscard]] std::size_t spare() const noexcept { return blocks_.spare(); }

  [[nodiscard]] std::size_t large_in_use() const noexcept { return large_.in_use(); }

 private:
  SpareBlocks<Block, max_spare> blocks_;
  SpareBlocks<LargeBlock, max_spare / 4> large_;
};

}  // namespace quoin::inline v0::quic
