// SPDX-License-Identifier: MIT
/// The queue of bytes between a received packet and the application's read.
#include "quic/streams/receive_buffer.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include <quoin/bytes.hpp>

#include "quic/streams/block_pool.hpp"

namespace quoin::inline v0::quic {

void ReceiveBuffer::append(Bytes data) {
  while (!data.empty()) {
    const std::size_t end = begin_ + size_;
    if (end == blocks_.size() * Block::size) blocks_.push_back(pool_->take());
    const std::size_t offset = end % Block::size;
    const std::size_t taken = std::min(data.size(), Block::size - offset);
    std::memcpy(blocks_.back()->bytes.data() + offset, data.data(), taken);
    size_ += taken;
    data = data.subspan(taken);
  }
}

Bytes ReceiveBuffer::front() const noexcept {
  if (size_ == 0) return {};
  return {blocks_.front()->bytes.data() + begin_, std::min(size_, Block::size - begin_)};
}

void ReceiveBuffer::consume(std::size_t bytes) {
  assert(bytes <= size_);
  size_ -= bytes;
  begin_ += bytes;
  while (begin_ >= Block::size) {
    pool_->give_back(blocks_.pop_front());
    begin_ -= Block::size;
  }
  if (size_ == 0) clear();
}

void ReceiveBuffer::clear() {
  while (!blocks_.empty()) pool_->give_back(blocks_.pop_front());
  begin_ = size_ = 0;
}

}  // namespace quoin::inline v0::quic
