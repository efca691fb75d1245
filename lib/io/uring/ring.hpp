// SPDX-License-Identifier: MIT
/// Owners for liburing's ring and for the buffers that a kernel receives into. They do not know
/// what goes through them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
#include <liburing.h>
#include <memory>
#include <string_view>

namespace quoin::inline v0::io {

/// Advice for a ring that fails with this errno value; empty: none.
[[nodiscard]] std::string_view advice(int failure) noexcept;

/// A pair of submission and completion queues.
class Ring {
 public:
  Ring() noexcept = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  ~Ring() { close(); }

  /// Returns 0 or an errno value.
  [[nodiscard]] int open(unsigned submissions, unsigned completions, unsigned flags) noexcept;
  void close() noexcept;

  [[nodiscard]] bool is_open() const noexcept { return is_open_; }

  [[nodiscard]] io_uring* get() noexcept { return &ring_; }

  /// Room for one more submission; null if there is none.
  [[nodiscard]] io_uring_sqe* next() noexcept;
  /// A submission waits for the kernel, or the kernel has completions not yet handed out.
  [[nodiscard]] bool wants_kernel() const noexcept;

 private:
  io_uring ring_{};
  bool is_open_ = false;
};

/// Buffers of one group, lent to the kernel until a completion names one.
class BufferRing {
 public:
  static constexpr unsigned count = 32;  // a power of two
  static constexpr int group = 0;

  /// `size`: bytes of each buffer.
  explicit BufferRing(std::size_t size);

  /// Lends all available buffers to the kernel, through a newly opened ring. Returns 0 or an errno
  /// value.
  [[nodiscard]] int attach(Ring& ring) noexcept;
  /// A buffer named by a completion: it is in use until it is given back.
  [[nodiscard]] std::byte* take(unsigned id) noexcept;
  void give_back(unsigned id) noexcept;

 private:
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };

  void lend(unsigned id) noexcept;

  std::size_t size_;
  std::unique_ptr<std::byte, Free> bytes_;         // pages that nobody touches cost nothing
  std::unique_ptr<io_uring_buf_ring, Free> ring_;  // a page, shared with the kernel
  std::array<bool, count> is_out_{};
};

}  // namespace quoin::inline v0::io
