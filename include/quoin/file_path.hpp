// SPDX-License-Identifier: MIT
/// The name of a file or folder, as a parameter: a std::filesystem::path, or text, converts to it.
/// Not for manipulating paths: use std::filesystem for that, whose header is too large to impose on
/// every user of this library.
#pragma once

#include <quoin/version.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace quoin::inline v0 {

/// What FilePath needs of std::filesystem::path: its name as text.
template <class Path>
concept NativePath = requires(const Path& path) {
  { path.native() } -> std::same_as<const std::string&>;
};

/// A name in the system's own form.
class FilePath {
 public:
  /// No name.
  FilePath() = default;

  /// This name.
  FilePath(std::string name) noexcept : name_(std::move(name)) {}

  /// This name.
  FilePath(std::string_view name) : name_(name) {}

  /// This name.
  FilePath(const char* name) : name_(name) {}

  /// The name of a std::filesystem::path.
  template <NativePath Path>
    requires(!std::same_as<Path, FilePath>)
  FilePath(const Path& path) : name_(path.native()) {}

  /// The name is empty.
  [[nodiscard]] bool empty() const noexcept { return name_.empty(); }

  /// The name, from which a std::filesystem::path can be made. Valid as long as this object.
  [[nodiscard]] const std::string& native() const noexcept { return name_; }

  friend bool operator==(const FilePath&, const FilePath&) = default;

 private:
  std::string name_;
};

}  // namespace quoin::inline v0
