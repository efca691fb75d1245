// SPDX-License-Identifier: MIT
/// Reading and writing https URLs.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/url.hpp>

#include "http/host_name.hpp"
#include "http/idna.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";
// What may appear in path and query unencoded: RFC 3986 §3.3 and §3.4, and "%" because most texts
// are encoded already.
constexpr std::string_view target_punctuation = "-._~!$&'()*+,;=:@/?%";

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

void append_encoded(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += hex_digits[byte >> 4U];
  out += hex_digits[byte & 15U];
}

Error refuse(std::string_view what, std::string_view text, std::string_view why) {
  constexpr std::size_t longest_shown = 200;
  std::string detail{what};
  detail += " \"";
  detail += text.substr(0, longest_shown);
  if (text.size() > longest_shown) detail += "...";
  detail += "\": ";
  detail += why;
  return {UsageError::invalid_argument, std::move(detail)};
}

std::string encode_target(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_letter_or_digit(c) || target_punctuation.contains(c)) {
      out += c;
    } else {
      append_encoded(out, c);
    }
  }
  return out;
}

bool is_ascii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_host_name(std::string_view host) noexcept {
  constexpr std::size_t longest_name = 253;
  constexpr std::size_t longest_label = 63;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > longest_name) return false;
  while (true) {
    const std::string_view label = host.substr(0, host.find('.'));
    if (label.empty() || label.size() > longest_label) return false;
    if (!std::ranges::all_of(
            label, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; })) {
      return false;
    }
    if (label.size() == host.size()) return true;
    host.remove_prefix(label.size() + 1);
  }
}

// The last label of a name is never all digits (RFC 1123 §2.1), that of an IPv4 address always.
bool looks_like_ipv4(std::string_view host) noexcept {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return !last.empty() && std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

// A name or an address, IPv6 in brackets; returns the error, if any.
std::string_view read_host(std::string_view host, Url& url) {
  const bool bracketed = host.starts_with('[');
  if (host.empty()) return "the host is missing";
  std::optional<std::string> converted;
  if (!is_ascii(host)) {
    converted = to_ascii_host(host);
    if (!converted) {
      return has_idna() ? "the host has letters that are not allowed in a name (RFC 5891)"
                        : "the host has letters beyond ASCII; write its xn-- form "
                          "(RFC 5890)";
    }
    host = *converted;
  }
  if (bracketed || looks_like_ipv4(host)) {
    const Result<Address> address = Address::parse_host(host, url.port);
    if (!address || (bracketed && !(host.ends_with(']') && address->is_ipv6()))) {
      return "the host is not an IP address";
    }
    url.host = address->host();
    url.host_is_address = true;
    return {};
  }
  if (!is_host_name(host)) return "the host is neither a name nor an IP address";
  url.host = host;
  std::ranges::transform(url.host, url.host.begin(), lower);
  if (url.host.ends_with('.')) url.host.pop_back();
  return {};
}

// Splits "host[:port]" and fills in host and port; returns the error, if any.
std::string_view read_authority(std::string_view text, Url& url) {
  if (text.contains('@')) return "a user name or password is not supported";
  std::string_view host = text;
  std::string_view port;
  const bool bracketed = text.starts_with('[');
  const std::size_t colon = bracketed ? text.find("]:") : text.find(':');
  if (colon != std::string_view::npos) {
    host = text.substr(0, bracketed ? colon + 1 : colon);
    port = text.substr(host.size() + 1);
  }
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc{} || end != port.data() + port.size() || url.port == 0) {
      return "the port is not a number from 1 to 65535";
    }
  }
  return read_host(host, url);
}

}  // namespace

Result<std::string> normal_host(std::string_view text) {
  Url url;
  const bool is_bare_ipv6 = text.contains(':') && !text.starts_with('[');
  const std::string_view why =
      is_bare_ipv6 ? read_host('[' + std::string{text} + ']', url) : read_host(text, url);
  if (!why.empty()) return std::unexpected(refuse("host", text, why));
  return std::move(url.host);
}

Result<Url> Url::parse(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    return std::unexpected(refuse("URL", text, "it does not begin with https://"));
  }
  std::string scheme{text.substr(0, colon)};
  std::ranges::transform(scheme, scheme.begin(), lower);
  if (scheme != "https") {
    return std::unexpected(refuse("URL", text, "only https works over HTTP/3"));
  }
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?\\"));
  rest.remove_prefix(authority.size());
  Url url;
  if (const std::string_view why = read_authority(authority, url); !why.empty()) {
    return std::unexpected(refuse("URL", text, why));
  }
  if (rest.starts_with('\\')) return std::unexpected(refuse("URL", text, "a path begins with /"));
  url.target = encode_target(rest);
  if (!rest.starts_with('/')) url.target.insert(0, 1, '/');
  return url;
}

std::string Url::authority() const {
  constexpr std::uint16_t default_port = 443;
  std::string out = host.contains(':') ? '[' + host + ']' : host;
  if (port != default_port) out += ':' + std::to_string(port);
  return out;
}

std::string Url::to_string() const { return "https://" + authority() + target; }

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_letter_or_digit(c) || std::string_view{"-._~"}.contains(c)) {
      out += c;
    } else {
      append_encoded(out, c);
    }
  }
  return out;
}

}  // namespace quoin::inline v0
