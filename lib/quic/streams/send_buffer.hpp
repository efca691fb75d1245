// SPDX-License-Identifier: MIT
/// What one stream has to send: bytes that stay in place until the peer has acknowledged them.
/// Knows nothing of frames, packets or flow control.
#pragma once

#include <cstddef>
#include <span>

#include <quoin/bytes.hpp>

#include "base/fifo.hpp"
#include "quic/streams/block_pool.hpp"

namespace quoin::inline v0::quic {

/// A queue of bytes with two marks: how far it was handed over for sending, and how far it was
/// acknowledged. Copies go into blocks of the pool; shared bytes are kept, not copied.
class SendBuffer {
 public:
  explicit SendBuffer(BlockPool& pool) noexcept : pool_(&pool) {}

  SendBuffer(const SendBuffer&) = delete;
  SendBuffer& operator=(const SendBuffer&) = delete;

  ~SendBuffer() { clear(); }

  /// Appends a copy of `data`.
  void append(Bytes data);
  /// Appends the first `bytes` of a block without a copy and puts another block in its place.
  void append(LargeBlockPtr& filled, std::size_t bytes);
  /// Appends `data` and keeps it alive until acknowledged.
  void append(SharedBytes data);

  /// Fills `out` with what has not been handed over yet, in order, and returns how many slices that
  /// took. They stay valid until acknowledged.
  [[nodiscard]] std::size_t slices(std::span<Bytes> out) const noexcept;
  /// The next `bytes` of slices() are handed over; at most unsent().
  void hand_over(std::size_t bytes) noexcept;
  /// The next `bytes` of those handed over are acknowledged and forgotten.
  void acknowledge(std::size_t bytes);
  /// Forgets everything.
  void clear();

  /// Bytes waiting to be handed over.
  [[nodiscard]] std::size_t unsent() const noexcept { return unsent_; }

  /// Unacknowledged bytes, handed over or not.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// The part of size() in the pool's memory: all but shared bytes.
  [[nodiscard]] std::size_t pooled() const noexcept { return pooled_; }

 private:
  struct Segment {
    BlockPtr block;         // where the bytes are,
    LargeBlockPtr large;    // or here,
    SharedBytes shared;     // or else here
    std::size_t begin = 0;  // acknowledged up to here
    std::size_t end = 0;

    [[nodiscard]] const std::byte* data() const noexcept {
      if (block) return block->bytes.data();
      return large ? large->bytes.data() : shared.view().data();
    }

    /// Takes memory of the pool.
    [[nodiscard]] bool is_ours() const noexcept { return block || large; }
  };

  void give_back(Segment segment);

  BlockPool* pool_;
  Fifo<Segment> segments_;
  std::size_t next_ = 0;    // the segment with the first byte that was not handed over
  std::size_t offset_ = 0;  // where in that segment; counted from its `data()`
  std::size_t unsent_ = 0;
  std::size_t size_ = 0;
  std::size_t pooled_ = 0;
};

}  // namespace quoin::inline v0::quic
