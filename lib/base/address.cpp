// SPDX-License-Identifier: MIT
/// Reading and writing of addresses. The socket headers stay in this file; nothing is looked up.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/error.hpp>

#include "base/mapped_address.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::size_t ipv4_size = 4;
constexpr std::size_t ipv6_size = 16;

std::unexpected<Error> refuse(std::string_view text, std::string_view expected) {
  std::string detail = "\"";
  detail.append(text).append("\" is not ").append(expected);
  return std::unexpected(Error{UsageError::invalid_argument, std::move(detail)});
}

/// The whole of `text` as a decimal number without sign; none if it is anything else.
template <class T>
std::optional<T> parse_number(std::string_view text) noexcept {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (text.empty() || failure != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// `text` as inet_pton() reads it, which needs a terminator and no NUL inside.
bool parse_ip(int family, std::string_view text, void* out) noexcept {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.size() >= buffer.size() || text.contains('\0')) return false;
  std::ranges::copy(text, buffer.begin());
  return inet_pton(family, buffer.data(), out) == 1;
}

Result<Address> parse_ipv4(std::string_view text, std::uint16_t port) {
  std::array<std::byte, ipv4_size> ip{};
  if (!parse_ip(AF_INET, text, ip.data())) return refuse(text, "an IPv4 address like 192.0.2.1");
  return Address::from_bytes(ip, port);
}

Result<Address> parse_ipv6(std::string_view text, std::uint16_t port) {
  std::array<std::byte, ipv6_size> ip{};
  const std::size_t percent = text.find('%');
  std::optional<std::uint32_t> zone = 0;
  if (percent != std::string_view::npos) {
    zone = parse_number<std::uint32_t>(text.substr(percent + 1));
    if (!zone) return refuse(text, "an IPv6 address with a numeric zone like fe80::1%2");
  }
  if (!parse_ip(AF_INET6, text.substr(0, percent), ip.data())) {
    return refuse(text, "an IPv6 address like 2001:db8::1");
  }
  return Address::from_bytes(ip, port, *zone);
}

}  // namespace

Result<Address> Address::parse(std::string_view host_and_port) {
  const std::size_t colon = host_and_port.rfind(':');
  const auto port = colon == std::string_view::npos
                        ? std::nullopt
                        : parse_number<std::uint16_t>(host_and_port.substr(colon + 1));
  if (!port) {
    return refuse(host_and_port, "an address and port like 192.0.2.1:443 or [2001:db8::1]:443");
  }
  const std::string_view host = host_and_port.substr(0, colon);
  // Without brackets it is unclear where an IPv6 address ends and its port begins.
  if (host.contains(':') && !host.starts_with('[')) {
    return refuse(host_and_port, "an IPv6 address in brackets and a port like [2001:db8::1]:443");
  }
  return parse_host(host, *port);
}

Result<Address> Address::parse_host(std::string_view host, std::uint16_t port) {
  if (host.starts_with('[') && host.ends_with(']')) {
    return parse_ipv6(host.substr(1, host.size() - 2), port);
  }
  return host.contains(':') ? parse_ipv6(host, port) : parse_ipv4(host, port);
}

Result<Address> Address::from_bytes(Bytes ip, std::uint16_t port, std::uint32_t zone) {
  if (ip.size() != ipv4_size && ip.size() != ipv6_size) {
    return std::unexpected(
        Error{UsageError::invalid_argument,
              "an IP address has 4 or 16 bytes, not " + std::to_string(ip.size())});
  }
  Address address;
  std::ranges::copy(ip, address.ip_.begin());
  address.size_ = static_cast<std::uint8_t>(ip.size());
  address.port_ = port;
  address.zone_ = address.is_ipv6() ? zone : 0;
  return address;
}

bool Address::is_any() const noexcept {
  return !is_none() && std::ranges::all_of(ip(), [](std::byte b) { return b == std::byte{0}; });
}

Address Address::with_port(std::uint16_t port) const noexcept {
  Address other = *this;
  other.port_ = port;
  return other;
}

std::string Address::host() const {
  if (is_none()) return "none";
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = is_ipv4() ? AF_INET : AF_INET6;
  std::string out = inet_ntop(family, ip_.data(), text.data(), text.size());
  if (zone_ != 0) out.append("%").append(std::to_string(zone_));
  return out;
}

std::string Address::to_string() const {
  if (is_none()) return "none";
  const std::string name = is_ipv6() ? "[" + host() + "]" : host();
  return name + ":" + std::to_string(port_);
}

Address unmapped(const Address& address) {
  constexpr std::string_view prefix{"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12};
  if (!address.is_ipv6() || !as_text(address.ip()).starts_with(prefix)) return address;
  return Address::from_bytes(address.ip().subspan(prefix.size()), address.port()).value_or(address);
}

}  // namespace quoin::inline v0

std::size_t std::hash<quoin::Address>::operator()(const quoin::Address& address) const noexcept {
  // FNV-1a: short input, no adversary (see the declaration).
  std::uint64_t state = 0xcbf29ce484222325;
  const auto mix = [&state](std::uint64_t value) { state = (state ^ value) * 0x100000001b3; };
  for (const std::byte b : address.ip()) mix(static_cast<std::uint64_t>(b));
  mix(address.port() & 0xffU);
  mix(static_cast<std::uint64_t>(address.port()) >> 8U);
  mix(address.zone());
  return static_cast<std::size_t>(state);
}
