// SPDX-License-Identifier: MIT
/// Opens files below a directory: the kernel ensures this with openat2(); where that is missing,
/// we check where the opened file really is before reading from it.
#include "server/files/safe_directory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <linux/openat2.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/error.hpp>

namespace quoin::inline v0 {
namespace {

// Never wait for the writer of a FIFO, never acquire a controlling terminal.
constexpr int read_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

Error system_error(int code, std::string_view detail) {
  return {Error::Domain::system, static_cast<std::uint64_t>(code), detail};
}

std::int64_t nanoseconds(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileIdentity identity_of(const struct stat& status) noexcept {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0)),
          .modified = nanoseconds(status.st_mtim),
          .changed = nanoseconds(status.st_ctim)};
}

OpenedFile describe(FileDescriptor descriptor, const struct stat& status) {
  return {.descriptor = std::move(descriptor),
          .is_directory = S_ISDIR(status.st_mode),
          .is_regular = S_ISREG(status.st_mode),
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0)),
          .modified = status.st_mtim.tv_sec,
          .modified_nanoseconds = status.st_mtim.tv_nsec,
          .identity = identity_of(status)};
}

// Where an open file really is; empty if that cannot be determined.
std::string real_path(int descriptor) {
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  std::string path(4096, '\0');
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  if (size <= 0 || static_cast<std::size_t>(size) == path.size()) return {};
  path.resize(static_cast<std::size_t>(size));
  return path.starts_with('/') ? path : std::string{};
}

bool is_below(std::string_view path, std::string_view root) noexcept {
  if (path.empty() || root.empty()) return false;
  if (root == "/" || path == root) return true;
  return path.starts_with(root) && path.substr(root.size()).starts_with('/');
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<SafeDirectory> SafeDirectory::open(const std::filesystem::path& root) {
  SafeDirectory directory;
  directory.root_ = FileDescriptor{::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory.root_.is_open()) {
    return std::unexpected(system_error(errno, "directory " + root.string()));
  }
  return directory;
}

int SafeDirectory::open_descriptor(const std::string& path) const {
  const char* const relative = path.empty() ? "." : path.c_str();
  if (has_openat2_) {
    open_how how{};
    how.flags = read_flags;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const long opened = ::syscall(SYS_openat2, root_.number(), relative, &how, sizeof how);
    // Sandboxes answer system calls they do not know with EPERM.
    if (opened >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(opened);
    has_openat2_ = false;
  }
  return open_checked(relative);
}

int SafeDirectory::open_checked(const std::string& path) const {
  // O_PATH opens nothing yet: a device outside must not even notice.
  const FileDescriptor found{::openat(root_.number(), path.c_str(), O_PATH | O_CLOEXEC)};
  if (!found.is_open()) return -1;
  if (!is_below(real_path(found.number()), real_path(root_.number()))) {
    errno = EXDEV;
    return -1;
  }
  const std::string link = "/proc/self/fd/" + std::to_string(found.number());
  return ::open(link.c_str(), read_flags);
}

Result<OpenedFile> SafeDirectory::open_below(const std::string& path) const {
  FileDescriptor descriptor{open_descriptor(path)};
  struct stat status{};
  if (!descriptor.is_open() || ::fstat(descriptor.number(), &status) != 0) {
    return std::unexpected(system_error(errno, path));
  }
  return describe(std::move(descriptor), status);
}

std::optional<FileIdentity> SafeDirectory::identify(const std::string& path) const {
  struct stat status{};
  const char* const relative = path.empty() ? "." : path.c_str();
  if (::fstatat(root_.number(), relative, &status, 0) != 0) return std::nullopt;
  return identity_of(status);
}

std::string OpenedFile::read(std::size_t bytes) const {
  std::string content(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t got =
        ::pread(descriptor.number(), content.data() + done, bytes - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  content.resize(done);
  return content;
}

Result<std::vector<DirectoryEntry>> SafeDirectory::list(const std::string& path) const {
  const FileDescriptor opened{open_descriptor(path)};
  if (!opened.is_open()) return std::unexpected(system_error(errno, path));
  // The stream takes ownership of a descriptor.
  const int copy = ::fcntl(opened.number(), F_DUPFD_CLOEXEC, 0);
  const auto close_stream = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(close_stream)> stream{copy < 0 ? nullptr : ::fdopendir(copy)};
  if (!stream) {
    const int code = errno;
    if (copy >= 0) ::close(copy);
    return std::unexpected(system_error(code, path));
  }
  std::vector<DirectoryEntry> entries;
  while (const dirent* const entry = ::readdir(stream.get())) {
    const std::string name{std::begin(entry->d_name)};
    if (name == "." || name == "..") continue;
    struct stat status{};
    if (::fstatat(opened.number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISLNK(status.st_mode)) {
      std::string below = path;
      if (!below.empty()) below += '/';
      below += name;
      const FileDescriptor target{open_descriptor(below)};
      if (!target.is_open() || ::fstat(target.number(), &status) != 0) continue;
    }
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) continue;
    const OpenedFile file = describe({}, status);
    entries.push_back({.name = name,
                       .is_directory = file.is_directory,
                       .size = file.size,
                       .modified = file.modified});
  }
  std::ranges::sort(entries, {}, [](const DirectoryEntry& entry) {
    return std::tuple{!entry.is_directory, std::string_view{entry.name}};
  });
  return entries;
}

}  // namespace quoin::inline v0
