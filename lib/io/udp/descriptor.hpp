// SPDX-License-Identifier: MIT
/// An owned file descriptor.
#pragma once

#include <unistd.h>
#include <utility>

namespace quoin::inline v0::io {

/// A descriptor, closed at the end; -1 for none.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}

  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  [[nodiscard]] int get() const noexcept { return fd_; }

  /// Gives it away.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace quoin::inline v0::io
