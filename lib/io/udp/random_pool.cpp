// SPDX-License-Identifier: MIT
/// The pool of random bytes, in a page of its own that the kernel wipes in a child process.
#include "io/udp/random_pool.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/types.h>

namespace quoin::inline v0::io {
namespace {

void ask_kernel(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    const ssize_t filled = ::getrandom(out.data(), out.size(), 0);
    if (filled > 0) {
      out = out.subspan(static_cast<std::size_t>(filled));
    } else if (errno != EINTR) {
      std::abort();  // a kernel without randomness: nothing here would be secure
    }
  }
}

}  // namespace

// All zero, which fork() makes it, is an empty pool.
struct RandomPool::Page {
  std::size_t left;                   ///< unused bytes, at the front
  std::array<std::byte, 1024> bytes;  ///< larger requests cost more than they save
};

RandomPool::RandomPool() noexcept {
  void* const memory =
      ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  if (::madvise(memory, sizeof(Page), MADV_WIPEONFORK) == 0) {
    page_ = ::new (memory) Page{};
  } else {
    ::munmap(memory, sizeof(Page));
  }
}

RandomPool::~RandomPool() {
  if (page_ == nullptr) return;
  ::explicit_bzero(page_, sizeof(Page));
  ::munmap(page_, sizeof(Page));
}

void RandomPool::fill(std::span<std::byte> out) noexcept {
  if (page_ == nullptr || out.size() > page_->bytes.size() / 4) {
    ask_kernel(out);
    return;
  }
  if (out.size() > page_->left) {
    ask_kernel(page_->bytes);
    page_->left = page_->bytes.size();
  }
  page_->left -= out.size();
  const std::span<std::byte> given = std::span{page_->bytes}.subspan(page_->left, out.size());
  std::ranges::copy(given, out.begin());
  ::explicit_bzero(given.data(), given.size());
}

}  // namespace quoin::inline v0::io
