// SPDX-License-Identifier: MIT
/// See output.hpp.
#include "quoin-client/output.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <poll.h>
#include <set>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <quoin/bytes.hpp>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "common/unique_fd.hpp"
#include "quoin-client/exit_code.hpp"

namespace quoin::tools {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t buffer_size = 256 * 1024;

/// The temporary files there are. Two threads use it: the one that transfers, and the one that
/// watches for signals.
class Unfinished {
 public:
  void add(const fs::path& file) {
    const std::lock_guard lock{mutex_};
    files_.insert(file);
  }

  void forget(const fs::path& file) noexcept {
    const std::lock_guard lock{mutex_};
    files_.erase(file);
  }

  void remove_all() noexcept {
    const std::lock_guard lock{mutex_};
    for (const fs::path& file : files_) {
      ::unlink(file.c_str());
    }
    files_.clear();
  }

 private:
  std::mutex mutex_;
  std::set<fs::path> files_;
};

Unfinished& unfinished() {
  static Unfinished files;
  return files;
}

std::unexpected<Failure> cannot_write(const std::string& name, int error,
                                      std::string_view advice = {}) {
  Failure failure{
      .exit_code = number(ClientExit::write_error),
      .message = "cannot write " + in_quotes(name) + ": " + std::generic_category().message(error)};
  if (error == ENOSPC || error == EDQUOT) {
    failure.message += "; make room and try again";
  } else if (error == EFBIG) {
    failure.message += "; the limit on file sizes (ulimit -f) or of the file system is reached";
  }
  failure.message += advice;
  return std::unexpected(std::move(failure));
}

/// ".NAME.0123456789abcdef.part" beside `target`.
fs::path temporary_name(const fs::path& target) {
  std::uint64_t noise = 0;
  (void)!::getrandom(&noise, sizeof noise, 0);
  std::string stem = target.filename().string();
  // The whole must stay within NAME_MAX.
  constexpr std::size_t extra = 32;
  stem.resize(std::min(stem.size(), static_cast<std::size_t>(NAME_MAX) - extra));
  std::string name = "." + stem + ".";
  constexpr std::string_view digits = "0123456789abcdef";
  for (int i = 0; i < 16; ++i, noise >>= 4U) {
    name += digits[noise & 0x0fU];
  }
  return target.parent_path() / (name + ".part");
}

/// The file that `target` means when links are followed, be it there or not.
fs::path follow_links(const fs::path& target) {
  std::error_code ignored;
  const fs::path resolved = fs::weakly_canonical(target, ignored);
  return ignored || resolved.empty() ? target : resolved;
}

}  // namespace

Output::Output(UniqueFd file, std::string name) : file_(std::move(file)), name_(std::move(name)) {
  struct stat status{};
  const bool known = ::fstat(file_.value(), &status) == 0;
  // Writing to /dev/null and the like never blocks; to a terminal, pipe or socket it may.
  paced_ = !known || S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) ||
           ::isatty(file_.value()) == 1;
}

Output::Output(Output&& other) noexcept
    : file_(std::move(other.file_)),
      name_(std::move(other.name_)),
      temporary_(std::exchange(other.temporary_, {})),
      target_(std::move(other.target_)),
      buffer_(std::move(other.buffer_)),
      paced_(other.paced_) {}

Output Output::standard_output() {
  return Output{UniqueFd{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)}, "standard output"};
}

Expected<Output> Output::to_file(const fs::path& target) {
  struct stat status{};
  const bool exists = ::stat(target.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    return cannot_write(target.string(), EISDIR, "; name a file, or use --output-dir");
  }
  if (exists && !S_ISREG(status.st_mode)) {
    UniqueFd direct{::open(target.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)};
    if (!direct.is_open()) return cannot_write(target.string(), errno);
    return Output{std::move(direct), target.string()};
  }
  if (exists && ::access(target.c_str(), W_OK) != 0) {
    return cannot_write(target.string(), errno, "; it exists and is write-protected");
  }
  const fs::path real = follow_links(target);
  constexpr mode_t new_file = 0666;
  for (int attempt = 0;; ++attempt) {
    const fs::path temporary = temporary_name(real);
    UniqueFd file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, new_file)};
    if (file.is_open()) {
      if (exists) {
        ::fchmod(file.value(), status.st_mode & 07777U);
      }
      Output output{std::move(file), target.string()};
      unfinished().add(temporary);
      output.temporary_ = temporary;
      output.target_ = real;
      return output;
    }
    constexpr int enough = 8;
    if (errno != EEXIST || attempt == enough) {
      return cannot_write(target.string(), errno,
                          errno == ENOENT ? "; its folder does not exist, make it first" : "");
    }
  }
}

Output::~Output() { discard(); }

void Output::discard() noexcept {
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
    unfinished().forget(temporary_);
    temporary_.clear();
  }
}

std::unexpected<Failure> Output::failure(int error) const {
  if (error == EPIPE) return cannot_write(name_, error, "; the program that reads it has ended");
  return cannot_write(name_, error, temporary_.empty() ? "" : "; the unfinished file is removed");
}

Expected<std::size_t> Output::write(Bytes data) {
  if (paced_) return write_paced(data);
  if (buffer_.size() + data.size() > buffer_size) {
    if (Expected<> written = write_all(buffer_); !written) {
      return std::unexpected(std::move(written.error()));
    }
    buffer_.clear();
  }
  if (data.size() >= buffer_size) {
    if (Expected<> written = write_all(data); !written) {
      return std::unexpected(std::move(written.error()));
    }
  } else {
    buffer_.insert(buffer_.end(), data.begin(), data.end());
  }
  return data.size();
}

Expected<std::size_t> Output::write_paced(Bytes data) {
  std::size_t taken = 0;
  while (taken < data.size()) {
    pollfd ready{.fd = file_.value(), .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) <= 0) break;
    // A pipe that is ready has room for PIPE_BUF bytes, and no more is promised.
    const Bytes chunk = data.subspan(taken, std::min<std::size_t>(data.size() - taken, PIPE_BUF));
    const ssize_t written = ::write(file_.value(), chunk.data(), chunk.size());
    if (written < 0) {
      if (errno == EINTR || errno == EAGAIN) break;
      return failure(errno);
    }
    taken += static_cast<std::size_t>(written);
  }
  return taken;
}

Expected<> Output::write_waiting(Bytes data) {
  while (true) {
    const Expected<std::size_t> taken = write(data);
    if (!taken) return std::unexpected(taken.error());
    data = data.subspan(*taken);
    if (data.empty()) return {};
    pollfd ready{.fd = file_.value(), .events = POLLOUT, .revents = 0};
    (void)::poll(&ready, 1, -1);
  }
}

Expected<> Output::write_all(Bytes data) {
  while (!data.empty()) {
    const ssize_t written = ::write(file_.value(), data.data(), data.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return failure(errno);
    }
    data = data.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Expected<> Output::commit() {
  if (Expected<> written = write_all(buffer_); !written) return written;
  buffer_.clear();
  // Some file systems report a full disk only here.
  if (::close(file_.release()) != 0 && errno != EINTR) return failure(errno);
  if (!temporary_.empty()) {
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) return failure(errno);
    unfinished().forget(temporary_);
    temporary_.clear();
  }
  return {};
}

void remove_unfinished_outputs() noexcept { unfinished().remove_all(); }

}  // namespace quoin::tools
