// SPDX-License-Identifier: MIT
/// Rings and their buffers.

#include "io/uring/ring.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>

namespace quoin::inline v0::io {

namespace {

constexpr std::size_t page = 4096;
static_assert(BufferRing::count * sizeof(io_uring_buf) <= page);

}  // namespace

std::string_view advice(int failure) noexcept {
  switch (failure) {
    case EPERM:
    case EACCES:
      return " (switched off by sysctl kernel.io_uring_disabled, or by a sandbox)";
    case EINVAL:
      return " (Linux 6.1 or later is needed)";
    default:
      return "";
  }
}

int Ring::open(unsigned submissions, unsigned completions, unsigned flags) noexcept {
  io_uring_params params{};
  params.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
  params.cq_entries = completions;
  const int result = io_uring_queue_init_params(submissions, &ring_, &params);
  is_open_ = result == 0;
  return -result;
}

void Ring::close() noexcept {
  if (is_open_) {
    io_uring_queue_exit(&ring_);
    is_open_ = false;
  }
}

io_uring_sqe* Ring::next() noexcept {
  io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
  if (entry != nullptr) return entry;
  (void)io_uring_submit_and_get_events(&ring_);
  return io_uring_get_sqe(&ring_);
}

bool Ring::wants_kernel() const noexcept {
  const unsigned flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
  return io_uring_sq_ready(&ring_) != 0 ||
         (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

BufferRing::BufferRing(std::size_t size)
    : size_(size),
      bytes_(static_cast<std::byte*>(std::aligned_alloc(page, count * size))),
      ring_(static_cast<io_uring_buf_ring*>(std::aligned_alloc(page, page))) {
  if (!bytes_ || !ring_) {
    throw std::bad_alloc{};
  }
}

int BufferRing::attach(Ring& ring) noexcept {
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(ring_.get());
  registration.ring_entries = count;
  registration.bgid = group;
  io_uring_buf_ring_init(ring_.get());
  const int result = io_uring_register_buf_ring(ring.get(), &registration, 0);
  if (result == 0) {
    for (unsigned id = 0; id < count; ++id) {
      if (!is_out_[id]) {
        lend(id);
      }
    }
  }
  return -result;
}

std::byte* BufferRing::take(unsigned id) noexcept {
  is_out_[id] = true;
  return bytes_.get() + id * size_;
}

void BufferRing::give_back(unsigned id) noexcept {
  is_out_[id] = false;
  lend(id);
}

void BufferRing::lend(unsigned id) noexcept {
  io_uring_buf_ring_add(ring_.get(), bytes_.get() + id * size_, static_cast<unsigned>(size_),
                        static_cast<unsigned short>(id), io_uring_buf_ring_mask(count), 0);
  io_uring_buf_ring_advance(ring_.get(), 1);
}

}  // namespace quoin::inline v0::io
