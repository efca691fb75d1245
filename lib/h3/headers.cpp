// SPDX-License-Identifier: MIT
/// The field list: all text in one string, so a message costs two allocations.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include <quoin/h3/headers.hpp>

namespace quoin::h3 {
namespace {

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals(std::string_view stored, std::string_view name) noexcept {
  return std::ranges::equal(stored, name, {}, {}, to_lower);
}

/// Values that a compression table must not keep, because whoever can inject guesses next to
/// them could find them out by the size of what is sent (RFC 9204 §7.1).
bool is_sensitive(std::string_view name, std::string_view value) noexcept {
  // A short cookie has little entropy; a long one is worth more in the table than it risks.
  constexpr std::size_t short_cookie = 20;
  return name == "authorization" || name == "proxy-authorization" || name == "set-cookie" ||
         (name == "cookie" && value.size() < short_cookie);
}

constexpr std::size_t field_overhead = 32;

}  // namespace

Headers::Headers(std::initializer_list<Field> fields) {
  entries_.reserve(fields.size());
  for (const Field& field : fields) add(field.name, field.value, field.never_index);
}

void Headers::reserve(std::size_t fields, std::size_t bytes) {
  entries_.reserve(fields);
  text_.reserve(bytes);
}

Headers& Headers::add(std::string_view name, std::string_view value, bool never_index) {
  const std::size_t offset = text_.size();
  text_.append(name);
  std::ranges::transform(text_.begin() + static_cast<std::ptrdiff_t>(offset), text_.end(),
                         text_.begin() + static_cast<std::ptrdiff_t>(offset), to_lower);
  text_.append(value);
  never_index =
      never_index || is_sensitive(std::string_view{text_}.substr(offset, name.size()), value);
  entries_.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size()), never_index});
  return *this;
}

Headers& Headers::set(std::string_view name, std::string_view value, bool never_index) {
  // `name` and `value` may be views of what remove() takes away.
  const std::string new_name{name};
  const std::string new_value{value};
  remove(new_name);
  return add(new_name, new_value, never_index);
}

void Headers::remove(std::string_view name) {
  const auto is_other = [&](const Field& field) { return !equals(field.name, name); };
  if (std::ranges::all_of(*this, is_other)) return;
  Headers kept;
  for (const Field& field : *this) {
    if (is_other(field)) kept.add(field.name, field.value, field.never_index);
  }
  *this = std::move(kept);
}

std::optional<std::string_view> Headers::get(std::string_view name) const noexcept {
  for (const Field& field : *this) {
    if (equals(field.name, name)) return field.value;
  }
  return std::nullopt;
}

Field Headers::operator[](std::size_t index) const noexcept {
  const Entry& entry = entries_[index];
  const std::string_view text = text_;
  return {text.substr(entry.offset, entry.name_size),
          text.substr(entry.offset + entry.name_size, entry.value_size), entry.never_index};
}

std::size_t Headers::section_size() const noexcept {
  return text_.size() + entries_.size() * field_overhead;
}

bool is_valid_field_name(std::string_view name) noexcept {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.contains(c);
  });
}

bool is_valid_field_value(std::string_view value) noexcept {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!value.empty() && (is_blank(value.front()) || is_blank(value.back()))) return false;
  return std::ranges::all_of(value, [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return c == '\t' || (octet >= 0x20 && octet != 0x7f);
  });
}

}  // namespace quoin::h3
