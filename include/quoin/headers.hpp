// SPDX-License-Identifier: MIT
/// Field sections: the headers and trailers of HTTP messages, pseudo-headers included. Knows only
/// whether fields are well-formed, not what they mean.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/error.hpp>
#include <quoin/export.hpp>

namespace quoin::inline v0 {

/// One field line (RFC 9110 §5). The views are valid as long as their source.
struct Field {
  Field() = default;

  /// A field with these views.
  constexpr Field(std::string_view field_name, std::string_view field_value,
                  bool never = false) noexcept
      : name(field_name), value(field_value), never_index(never) {}

  std::string_view name;     ///< lower case if received
  std::string_view value;    ///< without surrounding white space if received
  bool never_index = false;  ///< keep the value out of compression tables (RFC 9204 §7.1)
};

/// An ordered list of fields in one block of memory. Names are compared without regard to case
/// and are stored in lower case.
class QUOIN_EXPORT Headers {
 public:
  Headers() = default;
  /// With these fields, as by add().
  Headers(std::initializer_list<Field> fields);

  /// Makes room for `fields` fields with `bytes` of names and values together.
  void reserve(std::size_t fields, std::size_t bytes);
  /// Appends a field with a copy of its text. `authorization`, `proxy-authorization`, `set-cookie`
  /// and short `cookie` values are never indexed, whatever the argument says.
  Headers& add(std::string_view name, std::string_view value, bool never_index = false);
  /// Replaces all fields of this name by one, in place if there is only one and it is as long, else
  /// at the end.
  Headers& set(std::string_view name, std::string_view value, bool never_index = false);
  /// Removes all fields of this name.
  void remove(std::string_view name);
  /// Removes all fields and keeps the memory.
  void clear() noexcept;

  /// The value of the first field of this name; valid until the next change.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;

  /// The number of fields.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// There are no fields.
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

  /// The field at `index`, which must be below size(); valid until the next change.
  [[nodiscard]] Field operator[](std::size_t index) const noexcept {
    const Entry& entry = entries_[index];
    const char* const name = text_.data() + entry.offset;
    return {{name, entry.name_size}, {name + entry.name_size, entry.value_size}, entry.never_index};
  }

  /// The size that HTTP/3's limits count: names, values and 32 bytes for each field
  /// (RFC 9114 §4.2.2).
  [[nodiscard]] std::size_t section_size() const noexcept;

  /// Iterates over the fields in order.
  class QUOIN_EXPORT Iterator {
   public:
    /// See std::forward_iterator.
    using value_type = Field;
    /// See std::forward_iterator.
    using difference_type = std::ptrdiff_t;
    Iterator() = default;

    /// At the field with this index.
    Iterator(const Headers& headers, std::size_t index) noexcept
        : headers_(&headers), index_(index) {}

    /// The field; not at the end.
    [[nodiscard]] Field operator*() const noexcept { return (*headers_)[index_]; }

    /// To the next field.
    Iterator& operator++() noexcept {
      ++index_;
      return *this;
    }

    /// To the next field.
    Iterator operator++(int) noexcept {
      Iterator old = *this;
      ++index_;
      return old;
    }

    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const Headers* headers_ = nullptr;
    std::size_t index_ = 0;
  };

  /// The first field.
  [[nodiscard]] Iterator begin() const noexcept { return {*this, 0}; }

  /// Behind the last field.
  [[nodiscard]] Iterator end() const noexcept { return {*this, size()}; }

 private:
  struct Entry {
    std::uint32_t offset;
    std::uint32_t name_size;
    std::uint32_t value_size;
    bool never_index;
  };

  /// The index of the first field of this name from `from` on; size() if there is none.
  [[nodiscard]] std::size_t find(std::string_view name, std::size_t from = 0) const noexcept;

  std::string text_;
  std::vector<Entry> entries_;
};

/// `name` is a field name as HTTP/3 allows it: a token without upper case (RFC 9114 §4.2).
[[nodiscard]] QUOIN_EXPORT bool is_valid_field_name(std::string_view name) noexcept;
/// `value` has no control character but tabs, and neither begins nor ends with white space
/// (RFC 9110 §5.5).
[[nodiscard]] QUOIN_EXPORT bool is_valid_field_value(std::string_view value) noexcept;

}  // namespace quoin::inline v0
