// SPDX-License-Identifier: MIT
/// What the client tells its user on standard error: messages, and a progress line if someone is
/// watching. Bodies and headers that were asked for go to an Output instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <quoin/time.hpp>

namespace quoin::tools {

/// The progress of all transfers together.
struct Progress {
  std::uint64_t bytes = 0;             ///< moved so far, both ways
  std::optional<std::uint64_t> total;  ///< if it is known
  std::size_t files_done = 0;
  std::size_t files = 1;
  Duration elapsed{};
};

/// One line of at most `columns` characters, for example
/// "[######------------]  33%  33.0 MiB of 100.0 MiB  12.3 MiB/s  0:05 left".
[[nodiscard]] std::string render(const Progress& progress, std::size_t columns);

/// Standard error. Messages and the progress line do not run into each other.
class Console {
 public:
  /// Progress is shown if standard error is a terminal and `progress` is true.
  explicit Console(bool progress);
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  ~Console();

  /// Prints whole lines of text.
  void print(std::string_view lines);
  /// Prints "quoin-client: ", the message and an end of line.
  void complain(std::string_view message);
  /// Draws the progress line anew.
  void show(const Progress& progress);
  /// Removes the progress line.
  void clear();

  /// Someone is watching.
  [[nodiscard]] bool shows_progress() const noexcept { return progress_; }

 private:
  bool progress_;
  std::size_t drawn_ = 0;  ///< columns of the progress line on the screen
};

}  // namespace quoin::tools
