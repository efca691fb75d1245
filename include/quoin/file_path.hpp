// SPDX-License-Identifier: MIT
/// The name of a file or folder, as a parameter: a std::filesystem::path, or text, becomes one by
/// itself. Not for work with paths: that is std::filesystem's, which is too large a header for
/// everybody who includes this library.
#pragma once

#include <quoin/version.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace quoin::inline v0 {

/// What std::filesystem::path is for FilePath: it has its name as text.
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

  /// There is no name.
  [[nodiscard]] bool empty() const noexcept { return name_.empty(); }

  /// The name: a std::filesystem::path can be made of it. Valid as long as this object.
  [[nodiscard]] const std::string& native() const noexcept { return name_; }

  friend bool operator==(const FilePath&, const FilePath&) = default;

 private:
  std::string name_;
};

}  // namespace quoin::inline v0
