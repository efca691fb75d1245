// SPDX-License-Identifier: MIT
/// Preconditions and ranges.
#include "server/files/conditions.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <quoin/headers.hpp>

#include "http/date.hpp"
#include "message/status.hpp"

namespace quoin::inline v0 {
namespace {

std::string_view trim(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Whether a list of entity tags has `etag`, which is strong. Weak ones in the list count for the
// weak comparison only (RFC 9110 §8.8.3.2).
bool lists_tag(std::string_view list, std::string_view etag, bool weak_comparison) noexcept {
  if (trim(list) == "*") return true;
  while (!list.empty()) {
    list = list.substr(std::min(list.find_first_not_of(" \t,"), list.size()));
    const bool weak = list.starts_with("W/");
    if (weak) list.remove_prefix(2);
    const std::size_t end = list.starts_with('"') ? list.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end + 1) == etag && (weak_comparison || !weak)) return true;
    list.remove_prefix(end + 1);
  }
  return false;
}

// A header that may appear several times forms one list.
bool any_lists_tag(const Headers& request, std::string_view name, std::string_view etag,
                   bool weak_comparison) {
  return std::ranges::any_of(request, [&](const Field& field) {
    return field.name == name && lists_tag(field.value, etag, weak_comparison);
  });
}

std::optional<std::int64_t> date_in(const Headers& request, std::string_view name) {
  const auto value = request.get(name);
  return value ? parse_http_date(*value) : std::nullopt;
}

std::optional<std::uint64_t> read_number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  // A number too large to represent is still a number.
  if (error == std::errc::result_out_of_range) return UINT64_MAX;
  return error == std::errc{} ? std::optional{value} : std::nullopt;
}

// RFC 9110 §13.1.5: the range counts only if the client's part is from the same representation.
bool range_applies(const Representation& representation, const Headers& request) {
  const auto condition = request.get("if-range");
  if (!condition) return true;
  if (condition->starts_with('"')) return *condition == representation.etag;
  return parse_http_date(*condition) == representation.modified;
}

Selection select_range(const Representation& representation, const Headers& request) {
  const Selection whole{.status = 200, .offset = 0, .size = representation.size};
  const auto header = request.get("range");
  if (!header || !range_applies(representation, request)) return whole;
  std::string_view range = *header;
  constexpr std::string_view unit = "bytes=";
  if (!range.starts_with(unit)) return whole;
  range = trim(range.substr(unit.size()));
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos || range.contains(',')) return whole;
  const auto first = read_number(range.substr(0, dash));
  const auto last = read_number(range.substr(dash + 1));
  const bool has_first = dash != 0;
  const bool has_last = dash + 1 != range.size();
  if (has_first != first.has_value() || has_last != last.has_value() || !(first || last) ||
      (first && last && *last < *first)) {
    return whole;
  }
  const std::uint64_t size = representation.size;
  const Selection unsatisfiable{.status = status::range_not_satisfiable, .offset = 0, .size = 0};
  if (!first) {
    if (*last == 0 || size == 0) return unsatisfiable;
    const std::uint64_t length = std::min(*last, size);
    return {.status = status::partial_content, .offset = size - length, .size = length};
  }
  if (*first >= size) return unsatisfiable;
  const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return {.status = status::partial_content, .offset = *first, .size = end - *first + 1};
}

}  // namespace

Selection select(const Representation& representation, const Headers& request, bool is_get) {
  const auto empty = [](int status) { return Selection{.status = status, .offset = 0, .size = 0}; };
  if (request.get("if-match")) {
    if (!any_lists_tag(request, "if-match", representation.etag, false)) {
      return empty(status::precondition_failed);
    }
  } else if (const auto limit = date_in(request, "if-unmodified-since");
             limit && representation.modified > *limit) {
    return empty(status::precondition_failed);
  }
  if (request.get("if-none-match")) {
    if (any_lists_tag(request, "if-none-match", representation.etag, true)) {
      return empty(status::not_modified);
    }
  } else if (const auto since = date_in(request, "if-modified-since");
             since && representation.modified <= *since) {
    return empty(status::not_modified);
  }
  // RFC 9110 §14.2: a range has meaning only for GET.
  if (!is_get) return {.status = 200, .offset = 0, .size = representation.size};
  return select_range(representation, request);
}

}  // namespace quoin::inline v0
