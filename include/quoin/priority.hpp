// SPDX-License-Identifier: MIT
/// How urgent a response is, as client and server tell each other (RFC 9218). It orders what one
/// connection sends; it does not shift bandwidth between connections.
#pragma once

#include <quoin/version.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include <quoin/export.hpp>

namespace quoin::inline v0 {

/// The parameters of RFC 9218 §4.
struct QUOIN_EXPORT Priority {
  /// 0 to 7; a response is sent when none with a lower number has anything to send. 7 is for
  /// background work.
  std::uint8_t urgency = 3;
  /// Shares the connection, piece by piece, with other incremental responses of the same urgency;
  /// for what is useful in part, such as a progressive image. Otherwise responses are sent one
  /// after the other, in the order of the requests.
  bool incremental = false;

  /// Reads the value of a `priority` field. What is missing or wrong keeps its default.
  [[nodiscard]] static Priority parse(std::string_view field) noexcept;
  /// The value of a `priority` field, for example "u=1, i". An urgency above 7 is 7.
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const Priority&, const Priority&) = default;
};

}  // namespace quoin::inline v0
