// SPDX-License-Identifier: MIT
/// Owns a file descriptor. Not for descriptors whose close() must be checked: release() those.
#pragma once

#include <unistd.h>
#include <utility>

namespace quoin::tools {

/// Closes its descriptor when it goes.
class UniqueFd {
 public:
  UniqueFd() = default;

  explicit UniqueFd(int descriptor) noexcept : descriptor_(descriptor) {}

  UniqueFd(UniqueFd&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  ~UniqueFd() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }

  /// The descriptor, -1 for none; still owned.
  [[nodiscard]] int value() const noexcept { return descriptor_; }

  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }

  /// Hands the descriptor over to the caller.
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_ = -1;
};

}  // namespace quoin::tools
