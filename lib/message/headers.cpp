// SPDX-License-Identifier: MIT
/// The field list: all text in one string, so a message costs two allocations.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include <quoin/headers.hpp>

namespace quoin::inline v0 {
namespace {

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals(std::string_view stored, std::string_view name) noexcept {
  if (stored.size() != name.size()) return false;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i] != to_lower(name[i])) return false;
  }
  return true;
}

/// Values that a compression table must not keep, because an attacker who can inject guesses next
/// to them could find them out by the size of what is sent (RFC 9204 §7.1).
bool is_sensitive(std::string_view name, std::string_view value) noexcept {
  // A short cookie has little entropy; a long one is worth more in the table than it risks.
  constexpr std::size_t short_cookie = 20;
  return name == "authorization" || name == "proxy-authorization" || name == "set-cookie" ||
         (name == "cookie" && value.size() < short_cookie);
}

constexpr std::size_t field_overhead = 32;

constexpr std::size_t typical_fields = 12;
constexpr std::size_t typical_bytes = 384;

// What may be in names and values, by octet: each field of each message is checked.
using OctetSet = std::array<bool, 256>;

constexpr OctetSet name_octets = [] {
  OctetSet set{};
  for (const char c : std::string_view{"abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"}) {
    set[static_cast<unsigned char>(c)] = true;
  }
  return set;
}();

constexpr OctetSet value_octets = [] {
  OctetSet set{};
  for (std::size_t octet = 0; octet < set.size(); ++octet) {
    set[octet] = octet == '\t' || (octet >= 0x20 && octet != 0x7f);
  }
  return set;
}();

bool consists_of(std::string_view text, const OctetSet& set) noexcept {
  return std::ranges::all_of(text, [&](char c) { return set[static_cast<unsigned char>(c)]; });
}

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
  // Enough for most messages, so that these grow once.
  if (entries_.capacity() == 0) reserve(typical_fields, typical_bytes);
  const std::size_t offset = text_.size();
  text_.append(name);
  for (std::size_t i = offset; i < text_.size(); ++i) text_[i] = to_lower(text_[i]);
  text_.append(value);
  never_index =
      never_index || is_sensitive(std::string_view{text_}.substr(offset, name.size()), value);
  entries_.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size()), never_index});
  return *this;
}

Headers& Headers::set(std::string_view name, std::string_view value, bool never_index) {
  const std::size_t first = find(name);
  if (first != entries_.size() && entries_[first].value_size == value.size() &&
      find(name, first + 1) == entries_.size()) {
    Entry& entry = entries_[first];
    // std::string allows `value` to be a view of this text.
    text_.replace(entry.offset + entry.name_size, value.size(), value);
    entry.never_index = never_index || is_sensitive((*this)[first].name, value);
    return *this;
  }
  // `name` and `value` may be views of what remove() takes away.
  const std::string new_name{name};
  const std::string new_value{value};
  remove(new_name);
  return add(new_name, new_value, never_index);
}

void Headers::clear() noexcept {
  text_.clear();
  entries_.clear();
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
  const std::size_t index = find(name);
  if (index == entries_.size()) return std::nullopt;
  return (*this)[index].value;
}

std::size_t Headers::find(std::string_view name, std::size_t from) const noexcept {
  while (from < entries_.size() && !equals((*this)[from].name, name)) ++from;
  return from;
}

std::size_t Headers::section_size() const noexcept {
  return text_.size() + entries_.size() * field_overhead;
}

bool is_valid_field_name(std::string_view name) noexcept {
  return !name.empty() && consists_of(name, name_octets);
}

bool is_valid_field_value(std::string_view value) noexcept {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!value.empty() && (is_blank(value.front()) || is_blank(value.back()))) return false;
  return consists_of(value, value_octets);
}

}  // namespace quoin::inline v0
