// SPDX-License-Identifier: MIT
/// Writing and reading HTTP dates, without the C library's locale.
#include "http/date.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quoin::inline v0 {
namespace {

constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void append_number(std::string& out, unsigned value, std::size_t width) {
  const std::string digits = std::to_string(value);
  out.append(digits.size() < width ? width - digits.size() : 0, '0');
  out += digits;
}

std::optional<unsigned> read_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<unsigned> read_month(std::string_view text) {
  const auto found = std::ranges::find(months, text);
  if (found == months.end()) return std::nullopt;
  return static_cast<unsigned>(found - months.begin()) + 1;
}

// "08:49:37" in seconds of the day.
std::optional<unsigned> read_clock(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  const auto hours = read_number(text.substr(0, 2));
  const auto minutes = read_number(text.substr(3, 2));
  const auto seconds = read_number(text.substr(6, 2));
  if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60) {
    return std::nullopt;
  }
  return (*hours * 60 + *minutes) * 60 + *seconds;
}

struct Parts {
  std::string_view day;
  std::string_view month;
  std::string_view year;
  std::string_view clock;
};

// The words of the three forms:
// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"
std::optional<Parts> split(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" -"), text.size());
    if (end != 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (words.size() == 6 && words[0].ends_with(',') && words[5] == "GMT") {
    return Parts{.day = words[1], .month = words[2], .year = words[3], .clock = words[4]};
  }
  if (words.size() == 5 && !words[0].ends_with(',')) {
    return Parts{.day = words[2], .month = words[1], .year = words[4], .clock = words[3]};
  }
  return std::nullopt;
}

}  // namespace

std::string format_http_date(std::int64_t seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds{seconds}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::string out{days.at(std::chrono::weekday{day}.c_encoding())};
  out += ", ";
  append_number(out, static_cast<unsigned>(date.day()), 2);
  out += ' ';
  out += months.at(static_cast<unsigned>(date.month()) - 1);
  out += ' ';
  append_number(out, static_cast<unsigned>(std::max(int{date.year()}, 0)), 4);
  out += ' ';
  append_number(out, static_cast<unsigned>(clock.hours().count()), 2);
  out += ':';
  append_number(out, static_cast<unsigned>(clock.minutes().count()), 2);
  out += ':';
  append_number(out, static_cast<unsigned>(clock.seconds().count()), 2);
  out += " GMT";
  return out;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  const std::optional<Parts> parts = split(text);
  if (!parts) return std::nullopt;
  const auto day = read_number(parts->day);
  const auto month = read_month(parts->month);
  const auto year = read_number(parts->year);
  const auto clock = read_clock(parts->clock);
  if (!day || !month || !year || !clock || *year > 9999) return std::nullopt;
  const unsigned century = parts->year.size() > 2 ? 0U : (*year < 70 ? 2000U : 1900U);
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year + century)},
                                         std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok()) return std::nullopt;
  const std::chrono::sys_seconds time = std::chrono::sys_days{date} + std::chrono::seconds{*clock};
  return time.time_since_epoch().count();
}

}  // namespace quoin::inline v0
