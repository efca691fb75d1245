// SPDX-License-Identifier: MIT
/// An IP address with a UDP port. Not a resolver: it does not handle host names.
#pragma once

#include <quoin/version.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>

namespace quoin::inline v0 {

/// An IPv4 or IPv6 address and a port; a default-constructed one is neither ("none").
class QUOIN_EXPORT Address {
 public:
  /// No address.
  Address() = default;

  /// Reads "192.0.2.1:443" or "[2001:db8::1]:443" ("[fe80::1%2]:443" with a numeric zone).
  /// Errors: UsageError::invalid_argument with the text in question.
  [[nodiscard]] static Result<Address> parse(std::string_view host_and_port);
  /// Reads an address without port, "192.0.2.1" or "2001:db8::1", with or without brackets.
  /// Errors: UsageError::invalid_argument with the text in question.
  [[nodiscard]] static Result<Address> parse_host(std::string_view host, std::uint16_t port);
  /// From 4 or 16 bytes in network order. Errors: UsageError::invalid_argument for other sizes.
  [[nodiscard]] static Result<Address> from_bytes(Bytes ip, std::uint16_t port,
                                                  std::uint32_t zone = 0);

  /// It holds no address.
  [[nodiscard]] bool is_none() const noexcept { return size_ == 0; }

  /// An IPv4 address; IPv4-mapped IPv6 addresses do not count.
  [[nodiscard]] bool is_ipv4() const noexcept { return size_ == 4; }

  /// An IPv6 address.
  [[nodiscard]] bool is_ipv6() const noexcept { return size_ == 16; }

  /// The unspecified address, 0.0.0.0 or [::], whatever the port.
  [[nodiscard]] bool is_any() const noexcept;

  /// 0 to 65535, in host order.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// The IPv6 zone (interface index), 0 for none.
  [[nodiscard]] std::uint32_t zone() const noexcept { return zone_; }

  /// The 0, 4 or 16 bytes of the address in network order; valid as long as this object.
  [[nodiscard]] Bytes ip() const noexcept { return Bytes{ip_}.first(size_); }

  /// The same address with another port.
  [[nodiscard]] Address with_port(std::uint16_t port) const noexcept;
  /// The address without port and brackets, "2001:db8::1".
  [[nodiscard]] std::string host() const;
  /// In the form that parse() reads; "none" if is_none().
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Address&, const Address&) = default;
  friend auto operator<=>(const Address&, const Address&) = default;

 private:
  std::array<std::byte, 16> ip_{};
  std::uint32_t zone_ = 0;
  std::uint16_t port_ = 0;
  std::uint8_t size_ = 0;
};

}  // namespace quoin::inline v0

/// Hash of an address, for unordered containers. Not keyed: do not use it for tables that strangers
/// can fill.
template <>
struct std::hash<quoin::Address> {
  /// The hash.
  [[nodiscard]] QUOIN_EXPORT std::size_t operator()(const quoin::Address& address) const noexcept;
};
