// SPDX-License-Identifier: MIT
/// Unpredictable bytes from the kernel. Not public.
#pragma once

#include <cstddef>
#include <span>

namespace quoin::inline v0::io {

/// The kernel's random bytes, fetched many at a time: a handshake asks a dozen times for a few of
/// them, which would be most of its system calls. Bytes handed out are wiped, and a child of fork()
/// begins with an empty pool, so that no byte is handed out twice. For one thread.
class RandomPool {
 public:
  RandomPool() noexcept;
  RandomPool(const RandomPool&) = delete;
  RandomPool& operator=(const RandomPool&) = delete;
  ~RandomPool();

  /// Aborts if the kernel has no randomness: nothing would be secure.
  void fill(std::span<std::byte> out) noexcept;

 private:
  struct Page;

  Page* page_ = nullptr;  // null: the kernel cannot wipe it in a child, so nothing is kept
};

}  // namespace quoin::inline v0::io
