// SPDX-License-Identifier: MIT
/// A file or standard input as the body of a request. Not for -d, whose data are in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include <quoin/streaming.hpp>

#include "common/failure.hpp"
#include "common/unique_fd.hpp"

namespace quoin::tools {

/// What is left to send of one file.
class Upload {
 public:
  /// Opens `name`, "-" being standard input.
  [[nodiscard]] static Expected<Upload> open(const std::string& name);

  /// The number of bytes, for regular files. No more than these are sent, even if the file grows.
  [[nodiscard]] std::optional<std::uint64_t> size() const noexcept { return size_; }

  /// Reads into `room`, as a quoin::Writer does. Never blocks: {0, false} when a pipe has nothing
  /// yet. Fails when the file cannot be read or has become shorter.
  [[nodiscard]] Filled read(std::span<std::byte> room);

  /// How many bytes were read.
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

  /// Why read() failed; empty if it did not.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  Upload(UniqueFd file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

  UniqueFd file_;
  std::string name_;
  std::optional<std::uint64_t> size_;
  std::uint64_t sent_ = 0;
  std::string problem_;
};

}  // namespace quoin::tools
