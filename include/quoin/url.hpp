// SPDX-License-Identifier: MIT
/// URLs as HTTP/3 needs them: what to connect to and what to ask for. Not a general URI parser.
#pragma once

#include <quoin/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <quoin/error.hpp>
#include <quoin/export.hpp>

namespace quoin::inline v0 {

/// An absolute https URL in its parts (RFC 9110 §4.2.2).
struct QUOIN_EXPORT Url {
  std::string host{};            ///< lower case; an IPv6 address without brackets
  std::uint16_t port = 443;      ///< never 0
  std::string target = "/";      ///< path and query, percent-encoded
  bool host_is_address = false;  ///< `host` is an IPv4 or IPv6 address, not a name

  /// Reads "https://host[:port][/path][?query]". A fragment is dropped; spaces, control characters
  /// and other bytes not allowed in a URL are percent-encoded in path and query. Other schemes,
  /// user names and anything else odd are refused. A host with letters beyond ASCII, in UTF-8, is
  /// converted to its xn-- form if quoin was built with QUOIN_IDNA (RFC 5891, UTS 46
  /// non-transitional), and refused otherwise. Errors: UsageError::invalid_argument with the text
  /// and the reason.
  [[nodiscard]] static Result<Url> parse(std::string_view text);

  /// Resolves `reference`, absolute or relative to this URL (RFC 3986 §5.2); dot segments are
  /// removed. Errors: as for parse().
  [[nodiscard]] Result<Url> resolve(std::string_view reference) const;

  /// "host" or "host:port", without the port if it is 443; IPv6 addresses in brackets.
  [[nodiscard]] std::string authority() const;
  /// The URL as text.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Url&, const Url&) = default;
};

/// Replaces each %XX by its byte; none if a % is not followed by two hexadecimal digits.
[[nodiscard]] QUOIN_EXPORT std::optional<std::string> percent_decode(std::string_view text);
/// Replaces everything but letters, digits and -._~ by %XX (RFC 3986 §2.3).
[[nodiscard]] QUOIN_EXPORT std::string percent_encode(std::string_view text);

}  // namespace quoin::inline v0
