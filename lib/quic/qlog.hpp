// SPDX-License-Identifier: MIT
/// The qlog file of one connection. ngtcp2 produces its content.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace quoin::inline v0::quic {

/// A best-effort file: a full disk costs the log, not the connection.
class QlogFile {
 public:
  /// Opens `directory`/NAME.sqlog; returns whether that worked.
  bool open(const std::filesystem::path& directory, std::string_view name);
  void write(const void* data, std::size_t size, bool last) noexcept;

  [[nodiscard]] bool is_open() const noexcept { return file_ != nullptr; }

 private:
  struct Closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  std::unique_ptr<std::FILE, Closer> file_;
};

}  // namespace quoin::inline v0::quic
