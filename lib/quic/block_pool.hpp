// SPDX-License-Identifier: MIT
/// Blocks of memory for stream data, kept for reuse. Not a general allocator: one size, one
/// connection, one thread.
#pragma once

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

/// The blocks of one connection. Keeps about as many spare ones as are in use, so a transfer
/// allocates nothing once it runs and an idle connection holds next to nothing. Must outlive the
/// buffers on it.
class BlockPool {
 public:
  [[nodiscard]] BlockPtr take() {
    ++in_use_;
    if (spare_.empty()) return std::make_unique_for_overwrite<Block>();
    BlockPtr block = std::move(spare_.back());
    spare_.pop_back();
    return block;
  }

  void give_back(BlockPtr block) {
    --in_use_;
    spare_.push_back(std::move(block));
    while (spare_.size() > in_use_ + 1) spare_.pop_back();
  }

  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }

  [[nodiscard]] std::size_t spare() const noexcept { return spare_.size(); }

 private:
  std::vector<BlockPtr> spare_;
  std::size_t in_use_ = 0;
};

}  // namespace quoin::quic
