// SPDX-License-Identifier: MIT
/// Undoes content codings (RFC 9110 §8.4.1): gzip and br, by zlib and brotli if the build has them.
/// Not public; the caller decides who gets the result and how much of it is too much.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <quoin/bytes.hpp>

namespace quoin::inline v0 {

/// The codings that can be undone, as `accept-encoding` names them; empty if the build has none.
[[nodiscard]] std::string_view known_codings() noexcept;

/// One body on its way through a decoder.
class ContentDecoder {
 public:
  /// The outcome of one call.
  struct Step {
    std::size_t taken = 0;  ///< bytes of input consumed
    std::size_t made = 0;   ///< bytes of output produced
    bool failed = false;    ///< the input is not what it claims to be
  };

  ContentDecoder() = default;
  ContentDecoder(const ContentDecoder&) = delete;
  ContentDecoder& operator=(const ContentDecoder&) = delete;
  virtual ~ContentDecoder() = default;

  /// For "gzip", "x-gzip" or "br", in any case; nothing for other codings.
  [[nodiscard]] static std::unique_ptr<ContentDecoder> create(std::string_view coding);

  /// Turns input into output until one of them is used up.
  [[nodiscard]] virtual Step decode(Bytes in, std::span<std::byte> out) = 0;
  /// Whether the body could end here.
  [[nodiscard]] virtual bool is_complete() const noexcept = 0;
};

}  // namespace quoin::inline v0
