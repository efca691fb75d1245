// SPDX-License-Identifier: MIT
/// A directory outside which nothing can be opened, whatever the paths and symbolic links in it
/// say. Knows nothing of HTTP. Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quoin/error.hpp>

namespace quoin::inline v0 {

/// An open file descriptor, closed on destruction.
class FileDescriptor {
 public:
  FileDescriptor() = default;

  explicit FileDescriptor(int number) noexcept : number_(number) {}

  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  ~FileDescriptor();

  [[nodiscard]] int number() const noexcept { return number_; }

  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// Tells whether a name still refers to the same file with the same content: every change gives a
/// file a new change time, provided that the file system's clock has advanced in between.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;     ///< bytes
  std::int64_t modified = 0;  ///< content: nanoseconds since 1970
  std::int64_t changed = 0;   ///< content, owner, mode or name: nanoseconds since 1970

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// An opened file or directory.
struct OpenedFile {
  FileDescriptor descriptor;
  bool is_directory = false;
  bool is_regular = false;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;                 ///< bytes
  std::int64_t modified = 0;              ///< seconds since 1970
  std::int64_t modified_nanoseconds = 0;  ///< beyond that second
  FileIdentity identity;

  /// The first bytes of a regular file, up to `size`: fewer if it was truncated or is unreadable.
  [[nodiscard]] std::string read(std::size_t bytes) const;
};

/// An entry of a directory that can be opened.
struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
  std::uint64_t size = 0;     ///< bytes
  std::int64_t modified = 0;  ///< seconds since 1970
};

/// See the head of the file.
class SafeDirectory {
 public:
  /// Errors: system, with the path; ENOTDIR if it is not a directory.
  [[nodiscard]] static Result<SafeDirectory> open(const std::filesystem::path& root);

  /// Opens "a/b" below the root for reading; "" is the root itself. Errors: system; EXDEV for
  /// paths that lead outside.
  [[nodiscard]] Result<OpenedFile> open_below(const std::string& path) const;
  /// What `path` currently names, inside or outside. Opens nothing, so use it only to compare with
  /// a file opened here before. None: nothing.
  [[nodiscard]] std::optional<FileIdentity> identify(const std::string& path) const;
  /// The regular files and directories in the directory `path`, in order of their names,
  /// directories first. Entries that lead outside are left out. Errors: system.
  [[nodiscard]] Result<std::vector<DirectoryEntry>> list(const std::string& path) const;

  /// For tests: do without openat2(), as on systems that lack it.
  void avoid_openat2() noexcept { has_openat2_ = false; }

 private:
  [[nodiscard]] int open_descriptor(const std::string& path) const;
  [[nodiscard]] int open_checked(const std::string& path) const;

  FileDescriptor root_;
  mutable bool has_openat2_ = true;
};

}  // namespace quoin::inline v0
