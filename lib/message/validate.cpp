// SPDX-License-Identifier: MIT
/// The rules for field sections that we send, RFC 9114 §4.2 and §4.3.
#include "message/validate.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include <quoin/error.hpp>
#include <quoin/headers.hpp>

namespace quoin::inline v0 {
namespace {

std::unexpected<Error> invalid(std::string_view text) {
  return std::unexpected(Error{UsageError::invalid_argument, text});
}

/// The field as shown in errors: control characters must not get into a log.
std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, 64)) result += c > ' ' && c < 0x7f ? c : '?';
  return result;
}

bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_alnum(char c) noexcept { return is_alpha(c) || (c >= '0' && c <= '9'); }

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alnum(c) || std::string_view{"!#$%&'*+-.^_`|~"}.contains(c);
  });
}

bool is_scheme(std::string_view text) noexcept {
  return !text.empty() && is_alpha(text.front()) && std::ranges::all_of(text, [](char c) {
    return is_alnum(c) || std::string_view{"+-."}.contains(c);
  });
}

/// RFC 3986 §3.2 without user information, which HTTP/3 forbids.
bool is_authority(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alnum(c) || std::string_view{"!$%&'()*+,-.:;=[]_~"}.contains(c);
  });
}

bool is_path(std::string_view text, std::string_view method) noexcept {
  if (text == "*") return method == "OPTIONS";
  return text.starts_with('/') && std::ranges::all_of(text, [](char c) {
           const auto octet = static_cast<unsigned char>(c);
           return octet > 0x20 && octet != 0x7f;
         });
}

bool is_status(std::string_view text, SectionKind kind) noexcept {
  if (text.size() != 3 || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    return false;
  }
  return kind == SectionKind::interim_response ? text[0] == '1' && text != "101" : text[0] >= '2';
}

/// Fields of HTTP/1.1 connections have no meaning here (RFC 9114 §4.2).
bool is_connection_specific(const Field& field) noexcept {
  constexpr std::array<std::string_view, 5> names{"connection", "keep-alive", "proxy-connection",
                                                  "transfer-encoding", "upgrade"};
  return std::ranges::find(names, field.name) != names.end() ||
         (field.name == "te" && field.value != "trailers");
}

Result<> validate_regular(const Headers& headers) {
  for (const Field& field : headers) {
    if (field.name.starts_with(':')) continue;
    if (!is_valid_field_name(field.name)) {
      return invalid("'" + printable(field.name) + "' is not a field name");
    }
    if (!is_valid_field_value(field.value)) {
      return invalid("the value of '" + printable(field.name) +
                     "' has control characters or white space around it");
    }
    if (is_connection_specific(field)) {
      return invalid("'" + printable(field.name) + ": " + printable(field.value) +
                     "' is not allowed in HTTP/3");
    }
  }
  return {};
}

/// Checks that the pseudo-headers come first, once each, and are among `known`.
Result<> validate_pseudo(const Headers& headers, std::span<const std::string_view> known) {
  std::size_t pseudo = 0;
  while (pseudo < headers.size() && headers[pseudo].name.starts_with(':')) ++pseudo;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const std::string_view name = headers[i].name;
    if (!name.starts_with(':')) continue;
    if (std::ranges::find(known, name) == known.end()) {
      return invalid("'" + printable(name) + "' is not allowed in this message");
    }
    if (i >= pseudo) return invalid("'" + printable(name) + "' must come before other fields");
    for (std::size_t j = 0; j < i; ++j) {
      if (headers[j].name == name) return invalid("'" + printable(name) + "' is there twice");
    }
  }
  return {};
}

Result<> validate_request(const Headers& headers) {
  constexpr std::array<std::string_view, 5> known{":method", ":scheme", ":authority", ":path",
                                                  ":protocol"};
  if (auto result = validate_pseudo(headers, known); !result) return result;
  const auto method = headers.get(":method");
  const auto scheme = headers.get(":scheme");
  const auto authority = headers.get(":authority");
  const auto path = headers.get(":path");
  if (!method || !is_token(*method)) return invalid("':method' is missing or invalid");
  if (authority && !is_authority(*authority)) {
    return invalid("':authority' is not a host: '" + printable(*authority) + "'");
  }
  if (!is_consistent_authority(headers)) return invalid("':authority' and 'host' differ");
  const auto protocol = headers.get(":protocol");
  if (protocol && (*method != "CONNECT" || !authority || !is_token(*protocol))) {
    return invalid("':protocol' is not a token, or without CONNECT and ':authority'");
  }
  if (*method == "CONNECT" && !protocol) {
    if (!authority) return invalid("':authority' is missing");
    if (scheme || path) return invalid("CONNECT has neither ':scheme' nor ':path'");
    return {};
  }
  if (!scheme || !is_scheme(*scheme)) return invalid("':scheme' is missing or invalid");
  if (!path || !is_path(*path, *method)) {
    return invalid("':path' is missing or invalid: '" + printable(path.value_or("")) + "'");
  }
  if (!authority && headers.get("host").value_or("").empty()) {
    return invalid("':authority' is missing");
  }
  return {};
}

Result<> validate_response(const Headers& headers, SectionKind kind) {
  constexpr std::array<std::string_view, 1> known{":status"};
  if (auto result = validate_pseudo(headers, known); !result) return result;
  const std::string_view status = headers.get(":status").value_or("");
  if (!is_status(status, kind)) {
    return invalid("':status' is missing or not allowed here: '" + printable(status) + "'");
  }
  return {};
}

}  // namespace

Result<> validate_section(const Headers& headers, SectionKind kind) {
  Result<> pseudo;
  switch (kind) {
    case SectionKind::request:
      pseudo = validate_request(headers);
      break;
    case SectionKind::interim_response:
    case SectionKind::final_response:
      pseudo = validate_response(headers, kind);
      break;
    case SectionKind::trailers:
      pseudo = validate_pseudo(headers, {});
      break;
  }
  return pseudo ? validate_regular(headers) : pseudo;
}

bool is_consistent_authority(const Headers& headers) noexcept {
  const auto authority = headers.get(":authority");
  const auto host = headers.get("host");
  return !authority || !host || *authority == *host;
}

}  // namespace quoin::inline v0
