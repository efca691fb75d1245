// SPDX-License-Identifier: MIT
/// Dates as HTTP writes them (RFC 9110 §5.6.7), in whole seconds since 1970. No clock. Not public.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quoin::inline v0 {

/// "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string format_http_date(std::int64_t seconds);
/// Reads that form and the two obsolete ones; none if it is not a date. Two-digit years mean 1970
/// to 2069.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace quoin::inline v0
