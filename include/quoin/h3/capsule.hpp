// SPDX-License-Identifier: MIT
/// Capsules (RFC 9297 §3): typed pieces on a request's stream, for protocols that run on HTTP.
/// Converts bytes to capsules and back; moving the bytes is the caller's part.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>

namespace quoin::inline v0::h3 {

/// The type of a capsule that carries a datagram, for paths that have no QUIC (RFC 9297 §3.5).
inline constexpr std::uint64_t datagram_capsule = 0;

/// One capsule.
struct Capsule {
  std::uint64_t type = datagram_capsule;  ///< 0 to 2^62 - 1
  std::string value{};                    ///< bytes; what they mean depends on the type
};

/// A capsule as the bytes of a body. A type above 2^62 - 1 is clamped.
[[nodiscard]] QUOIN_EXPORT std::string encode_capsule(std::uint64_t type, Bytes value);

/// Finds the capsules in a body. It keeps one at a time: without poll() it reads no further.
class QUOIN_EXPORT CapsuleReader {
 public:
  /// Keeps capsules of these types; all others are skipped, however long, as RFC 9297 §3.2 wants.
  /// `max_value`: the longest value of those that are kept, in bytes.
  explicit CapsuleReader(std::vector<std::uint64_t> types, std::size_t max_value = 64 * 1024);

  /// Takes received bytes, in pieces of any size, at most to the end of the next capsule that is
  /// kept; returns how many bytes it took: none while there is a capsule to poll(). Errors:
  /// HttpError::excessive_load for a value beyond `max_value`; the stream should be reset with it,
  /// and the reader returns the same from then on.
  [[nodiscard]] Result<std::size_t> read(Bytes data);
  /// The complete capsule, if any.
  [[nodiscard]] std::optional<Capsule> poll();
  /// The body has ended. Error: HttpError::message_error within a capsule.
  [[nodiscard]] Result<> finish() const;

 private:
  std::vector<std::uint64_t> types_;
  std::size_t max_value_;
  std::string head_;            // of the next capsule, while it is not whole
  std::optional<Capsule> now_;  // is being read, or complete
  std::uint64_t left_ = 0;      // bytes of its value, or of one that is skipped
  bool refused_ = false;
};

}  // namespace quoin::inline v0::h3
