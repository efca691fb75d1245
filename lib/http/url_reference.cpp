// SPDX-License-Identifier: MIT
/// Relative references, as servers write them into `location` (RFC 3986 §5).
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/error.hpp>
#include <quoin/url.hpp>

namespace quoin::inline v0 {
namespace {

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_scheme_character(char c) noexcept {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

bool has_scheme(std::string_view reference) noexcept {
  const std::size_t colon = reference.find(':');
  return colon != std::string_view::npos && colon != 0 && is_letter(reference.front()) &&
         std::ranges::all_of(reference.substr(0, colon), is_scheme_character);
}

/// RFC 3986 §5.2.4, for a path that begins with "/".
std::string remove_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/', 1));
    path.remove_prefix(segment.size());
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") out.erase(out.empty() ? 0 : out.rfind('/'));
      if (path.empty()) out += '/';
    } else {
      out += segment;
    }
  }
  return out;
}

/// What is before the query, and the query with its "?".
std::pair<std::string_view, std::string_view> split_query(std::string_view target) noexcept {
  const std::size_t query = std::min(target.find('?'), target.size());
  return {target.substr(0, query), target.substr(query)};
}

std::string without_dots(std::string_view target) {
  const auto [path, query] = split_query(target);
  return remove_dot_segments(path) + std::string{query};
}

}  // namespace

Result<Url> Url::resolve(std::string_view reference) const {
  reference = reference.substr(0, reference.find('#'));
  std::string absolute;
  if (has_scheme(reference)) {
    absolute = reference;
  } else if (reference.starts_with("//")) {
    absolute = "https:" + std::string{reference};
  } else {
    const auto [path, query] = split_query(reference);
    const auto [base_path, base_query] = split_query(target);
    absolute = "https://" + authority();
    if (path.empty()) {
      absolute += base_path;
      absolute += query.empty() ? base_query : query;
    } else {
      if (!path.starts_with('/')) absolute += base_path.substr(0, base_path.rfind('/') + 1);
      absolute += reference;
    }
  }
  Result<Url> url = parse(absolute);
  if (url) url->target = without_dots(url->target);
  return url;
}

}  // namespace quoin::inline v0
