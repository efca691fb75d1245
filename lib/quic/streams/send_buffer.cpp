// SPDX-License-Identifier: MIT
/// The queue of bytes between an application's write and the peer's acknowledgement.
#include "quic/streams/send_buffer.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <span>
#include <utility>

#include <quoin/bytes.hpp>

#include "quic/streams/block_pool.hpp"

namespace quoin::inline v0::quic {

void SendBuffer::append(Bytes data) {
  size_ += data.size();
  unsent_ += data.size();
  pooled_ += data.size();
  while (!data.empty()) {
    if (segments_.empty() || !segments_.back().block || segments_.back().end == Block::size) {
      segments_.push_back({.block = pool_->take()});
    }
    Segment& last = segments_.back();
    const std::size_t taken = std::min(data.size(), Block::size - last.end);
    std::memcpy(last.block->bytes.data() + last.end, data.data(), taken);
    last.end += taken;
    data = data.subspan(taken);
  }
}

void SendBuffer::append(LargeBlockPtr& filled, std::size_t bytes) {
  assert(bytes > 0 && bytes <= LargeBlock::size);
  size_ += bytes;
  unsent_ += bytes;
  pooled_ += bytes;
  segments_.push_back({.large = pool_->swap(filled), .end = bytes});
}

void SendBuffer::append(SharedBytes data) {
  const std::size_t bytes = data.view().size();
  if (bytes == 0) return;
  size_ += bytes;
  unsent_ += bytes;
  segments_.push_back({.shared = std::move(data), .end = bytes});
}

std::size_t SendBuffer::slices(std::span<Bytes> out) const noexcept {
  std::size_t count = 0;
  std::size_t offset = offset_;
  for (std::size_t i = next_; i < segments_.size() && count < out.size(); ++i) {
    const Segment& segment = segments_[i];
    if (offset < segment.end) out[count++] = {segment.data() + offset, segment.end - offset};
    offset = 0;
  }
  return count;
}

void SendBuffer::hand_over(std::size_t bytes) noexcept {
  assert(bytes <= unsent_);
  unsent_ -= bytes;
  while (bytes > 0) {
    const std::size_t left = segments_[next_].end - offset_;
    if (bytes < left) {
      offset_ += bytes;
      return;
    }
    bytes -= left;
    // A block with free space is not left behind: the next append() goes there.
    if (next_ + 1 == segments_.size()) {
      offset_ = segments_[next_].end;
      return;
    }
    ++next_;
    offset_ = 0;
  }
}

void SendBuffer::acknowledge(std::size_t bytes) {
  assert(bytes <= size_ - unsent_);
  size_ -= bytes;
  while (bytes > 0) {
    Segment& first = segments_.front();
    const std::size_t taken = std::min(bytes, first.end - first.begin);
    first.begin += taken;
    bytes -= taken;
    if (first.is_ours()) pooled_ -= taken;
    if (first.begin != first.end) return;
    give_back(segments_.pop_front());
    if (next_ > 0) {
      --next_;
    } else {
      offset_ = 0;
    }
  }
}

void SendBuffer::give_back(Segment segment) {
  if (segment.block) pool_->give_back(std::move(segment.block));
  if (segment.large) pool_->give_back(std::move(segment.large));
}

void SendBuffer::clear() {
  while (!segments_.empty()) {
    give_back(segments_.pop_front());
  }
  segments_.shrink();
  next_ = offset_ = unsent_ = size_ = pooled_ = 0;
}

}  // namespace quoin::inline v0::quic
