// SPDX-License-Identifier: MIT
/// What one stream has received and its application has not taken yet. Data arrives reassembled;
/// the caller handles flow control.
#pragma once

#include <cstddef>

#include <quoin/bytes.hpp>

#include "base/fifo.hpp"
#include "quic/streams/block_pool.hpp"

namespace quoin::inline v0::quic {

/// A queue of bytes: copied in as packets bring them, taken out piece by piece.
class ReceiveBuffer {
 public:
  explicit ReceiveBuffer(BlockPool& pool) noexcept : pool_(&pool) {}

  ReceiveBuffer(const ReceiveBuffer&) = delete;
  ReceiveBuffer& operator=(const ReceiveBuffer&) = delete;

  ~ReceiveBuffer() { clear(); }

  /// Appends a copy of `data`.
  void append(Bytes data);
  /// The first contiguous bytes, none if empty; valid until consume() or clear(), append() only
  /// adds bytes behind them.
  [[nodiscard]] Bytes front() const noexcept;
  /// Removes the first `bytes`, at most size().
  void consume(std::size_t bytes);
  /// Forgets everything.
  void clear();

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  BlockPool* pool_;
  Fifo<BlockPtr> blocks_;
  std::size_t begin_ = 0;  // of the data, in the first block
  std::size_t size_ = 0;
};

}  // namespace quoin::inline v0::quic
