// SPDX-License-Identifier: MIT
/// Writes TLS secrets to the file that $SSLKEYLOGFILE names, so that Wireshark can read the
/// traffic. Not a general log.
#pragma once

#include <filesystem>
#include <string_view>

#include <quoin/tls.hpp>

#include "common/failure.hpp"
#include "common/unique_fd.hpp"

namespace quoin::tools {

/// A key log file. Lines are appended whole, so several processes may share one file.
class KeyLogFile {
 public:
  /// Opens the file for appending; a new one is readable by its owner only (mode 0600).
  [[nodiscard]] static Expected<KeyLogFile> open(const std::filesystem::path& file);

  /// Appends `line` and an end of line. A failure is ignored: the traffic must not suffer.
  void write(std::string_view line) const noexcept;

 private:
  explicit KeyLogFile(UniqueFd file) noexcept : file_(std::move(file)) {}

  UniqueFd file_;
};

/// Gives `tls` the file in $SSLKEYLOGFILE, if that is set and not empty.
/// Fails when the file cannot be opened.
[[nodiscard]] Expected<> honour_key_log_variable(Tls& tls);

}  // namespace quoin::tools
