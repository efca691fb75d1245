// SPDX-License-Identifier: MIT
/// See console.hpp.
#include "quoin-client/console.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/text.hpp"

namespace quoin::tools {

namespace {

constexpr std::size_t usual_columns = 80;

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : usual_columns;
}

std::string time_left(const Progress& progress) {
  if (!progress.total || progress.bytes == 0 || progress.bytes >= *progress.total) return {};
  const double elapsed = std::chrono::duration<double>(progress.elapsed).count();
  const double left = elapsed * static_cast<double>(*progress.total - progress.bytes) /
                      static_cast<double>(progress.bytes);
  constexpr double too_long = 99.0 * 3600;
  if (left > too_long) return {};
  return "  " + clock_time(std::chrono::seconds{std::llround(left)}) + " left";
}

/// "[####----]  50%  ", as wide as it may be; empty when there is no room or no total.
std::string bar(const Progress& progress, std::size_t columns) {
  constexpr std::size_t frame = 9;  // "[", "]", " 100%", two spaces
  constexpr std::size_t widest = 40;
  constexpr std::size_t least = 8;
  if (!progress.total || *progress.total == 0 || columns < frame + least) return {};
  const double share = std::clamp(
      static_cast<double>(progress.bytes) / static_cast<double>(*progress.total), 0.0, 1.0);
  const std::size_t width = std::min(widest, columns - frame);
  const auto done = static_cast<std::size_t>(share * static_cast<double>(width));
  std::string percent = std::to_string(static_cast<int>(share * 100));
  percent.insert(0, 3 - std::min<std::size_t>(3, percent.size()), ' ');
  return "[" + std::string(done, '#') + std::string(width - done, '-') + "] " + percent + "%  ";
}

}  // namespace

std::string render(const Progress& progress, std::size_t columns) {
  std::string figures;
  if (progress.files > 1) {
    figures =
        std::to_string(progress.files_done) + " of " + std::to_string(progress.files) + " files  ";
  }
  figures += human_size(progress.bytes);
  if (progress.total) {
    figures += " of " + human_size(*progress.total);
  }
  figures += "  " + human_rate(progress.bytes, progress.elapsed) + time_left(progress);
  const std::size_t room = columns > figures.size() ? columns - figures.size() : 0;
  figures.insert(0, bar(progress, room));
  figures.resize(std::min(figures.size(), columns));
  return figures;
}

Console::Console(bool progress) : progress_(progress && ::isatty(STDERR_FILENO) == 1) {}

Console::~Console() { clear(); }

void Console::print(std::string_view lines) {
  clear();
  std::fwrite(lines.data(), 1, lines.size(), stderr);
}

void Console::complain(std::string_view message) {
  print(std::string{"quoin-client: "}.append(message).append("\n"));
}

void Console::show(const Progress& progress) {
  if (!progress_) return;
  // The last column stays free: writing there makes some terminals begin a new line.
  std::string line = render(progress, terminal_columns() - 1);
  const std::size_t size = line.size();
  line.append(drawn_ > size ? drawn_ - size : 0, ' ');
  drawn_ = size;
  std::fputs(("\r" + line).c_str(), stderr);
  std::fflush(stderr);
}

void Console::clear() {
  if (drawn_ > 0) {
    std::fputs(("\r" + std::string(drawn_, ' ') + "\r").c_str(), stderr);
    drawn_ = 0;
  }
}

}  // namespace quoin::tools
