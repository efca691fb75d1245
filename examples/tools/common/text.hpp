// SPDX-License-Identifier: MIT
/// Numbers, times and untrusted text for people to read. Not for anything that is parsed again.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <quoin/time.hpp>

namespace quoin::tools {

/// `value` with exactly `digits` decimals.
[[nodiscard]] std::string fixed(double value, int digits);
/// "0 B", "1023 B", "1.0 KiB", "12.3 MiB".
[[nodiscard]] std::string human_size(std::uint64_t bytes);
/// Bytes per second over `elapsed`, as "12.3 MiB/s"; "-" when no time has passed.
[[nodiscard]] std::string human_rate(std::uint64_t bytes, Duration elapsed);
/// Milliseconds with one decimal, "12.3 ms".
[[nodiscard]] std::string milliseconds(Duration span);
/// Seconds without needless decimals, as in "after 1.5 s".
[[nodiscard]] std::string seconds(Duration span);
/// Minutes and seconds, "3:07", with hours when there are any, "1:00:00".
[[nodiscard]] std::string clock_time(std::chrono::seconds span);

/// `text` with everything that a terminal might act on (control characters, bytes above 0x7e)
/// written as \xHH, and backslashes doubled. `quoted` also escapes double quotes.
[[nodiscard]] std::string printable(std::string_view text, bool quoted = false);
/// The same, but UTF-8 beyond ASCII stays as it is: for file names and headers that are shown.
[[nodiscard]] std::string without_controls(std::string_view text);

/// `text` made harmless as above, in double quotes: how messages show what the user or a peer gave.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// `text` without white space at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
/// Reads seconds such as "2" or "0.5" from a millisecond to a year.
[[nodiscard]] bool parse_seconds(std::string_view text, Duration& out) noexcept;

}  // namespace quoin::tools
