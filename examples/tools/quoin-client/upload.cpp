// SPDX-License-Identifier: MIT
/// See upload.hpp.
#include "quoin-client/upload.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <fcntl.h>
#include <poll.h>
#include <span>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <quoin/streaming.hpp>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "common/unique_fd.hpp"
#include "quoin-client/exit_code.hpp"

namespace quoin::tools {

namespace {

std::string cannot_read(const std::string& name, const std::string& why) {
  return "cannot read " + (name == "-" ? "standard input" : in_quotes(name)) + ": " + why;
}

}  // namespace

Expected<Upload> Upload::open(const std::string& name) {
  UniqueFd file{name == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                            : ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  struct stat status{};
  int error = 0;
  if (!file.is_open() || ::fstat(file.value(), &status) != 0) {
    error = errno;
  } else if (S_ISDIR(status.st_mode)) {
    error = EISDIR;
  }
  if (error != 0) {
    return std::unexpected(
        Failure{.exit_code = number(ClientExit::read_error),
                .message = "-T: " + cannot_read(name, std::generic_category().message(error))});
  }
  Upload upload{std::move(file), name};
  // Standard input may be a file that somebody has read a part of.
  const off_t position = S_ISREG(status.st_mode) ? ::lseek(upload.file_.value(), 0, SEEK_CUR) : -1;
  if (position >= 0) {
    upload.size_ = static_cast<std::uint64_t>(std::max<off_t>(0, status.st_size - position));
  }
  return upload;
}

Filled Upload::read(std::span<std::byte> room) {
  if (size_) {
    room =
        room.first(static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), *size_ - sent_)));
    if (room.empty()) return {.bytes = 0, .last = true};
  } else {
    pollfd ready{.fd = file_.value(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 0) <= 0) return {};
  }
  const ssize_t got = ::read(file_.value(), room.data(), room.size());
  if (got < 0) {
    if (errno == EINTR || errno == EAGAIN) return {};
    problem_ = cannot_read(name_, std::generic_category().message(errno));
    return {.bytes = 0, .last = false, .failed = true};
  }
  if (got == 0 && size_) {
    problem_ = cannot_read(name_, "it shrank while it was being sent");
    return {.bytes = 0, .last = false, .failed = true};
  }
  sent_ += static_cast<std::uint64_t>(got);
  const bool at_end = size_ ? sent_ == *size_ : got == 0;
  return {.bytes = static_cast<std::size_t>(got), .last = at_end};
}

}  // namespace quoin::tools
