// SPDX-License-Identifier: MIT
/// See text.hpp.
#include "common/text.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace quoin::tools {

namespace {

constexpr double nanoseconds_per_second = 1e9;

void append_escaped(std::string& out, unsigned char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\x";
  out += digits[byte >> 4U];
  out += digits[byte & 0x0fU];
}

std::string two_digits(std::int64_t value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

}  // namespace

std::string fixed(double value, int digits) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::fixed, digits);
  return end.ec == std::errc{} ? std::string{text.data(), end.ptr} : "?";
}

std::string human_size(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<std::string_view, 6> units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 is where one decimal would round up to 1024.0.
  while (value >= 1023.95 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fixed(value, 1).append(" ").append(units[unit]);
}

std::string human_rate(std::uint64_t bytes, Duration elapsed) {
  if (elapsed <= Duration::zero()) return "-";
  const double per_second =
      static_cast<double>(bytes) * nanoseconds_per_second / static_cast<double>(elapsed.count());
  constexpr double most = 1e18;
  return human_size(static_cast<std::uint64_t>(per_second < most ? per_second : most)) + "/s";
}

std::string milliseconds(Duration span) {
  return fixed(static_cast<double>(span.count()) / 1e6, 1) + " ms";
}

std::string seconds(Duration span) {
  std::string text = fixed(static_cast<double>(span.count()) / nanoseconds_per_second, 3);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) {
    text.pop_back();
  }
  return text + " s";
}

std::string clock_time(std::chrono::seconds span) {
  const std::int64_t total = span.count() < 0 ? 0 : span.count();
  const std::int64_t hours = total / 3600;
  const std::int64_t minutes = total / 60 % 60;
  if (hours > 0) {
    return std::to_string(hours) + ":" + two_digits(minutes) + ":" + two_digits(total % 60);
  }
  return std::to_string(minutes) + ":" + two_digits(total % 60);
}

std::string printable(std::string_view text, bool quoted) {
  std::string out;
  out.reserve(text.size());
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte > 0x7e) {
      append_escaped(out, byte);
    } else if (byte == '\\' || (quoted && byte == '"')) {
      out += '\\';
      out += character;
    } else {
      out += character;
    }
  }
  return out;
}

std::string without_controls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // 0xc2 0x80 to 0xc2 0x9f are the C1 controls in UTF-8; terminals may obey them.
    const bool is_c1 = byte == 0xc2 && i + 1 < text.size() &&
                       static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                       static_cast<unsigned char>(text[i + 1]) <= 0x9f;
    if (byte < 0x20 || byte == 0x7f) {
      append_escaped(out, byte);
    } else if (is_c1) {
      append_escaped(out, byte);
      append_escaped(out, static_cast<unsigned char>(text[++i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string in_quotes(std::string_view text) { return "\"" + without_controls(text) + "\""; }

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view white = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(white);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

bool parse_seconds(std::string_view text, Duration& out) noexcept {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  constexpr double shortest = 0.001;
  constexpr double longest = 365.0 * 24 * 3600;
  if (text.empty() || result.ec != std::errc{} || result.ptr != end || !(value >= shortest) ||
      !(value <= longest)) {
    return false;
  }
  out = Duration{static_cast<std::int64_t>(value * nanoseconds_per_second)};
  return true;
}

}  // namespace quoin::tools
