// SPDX-License-Identifier: MIT
/// Fields and stream numbers between quoin and nghttp3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <nghttp3/nghttp3.h>

#include <quoin/bytes.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/application.hpp>

namespace quoin::inline v0::h3 {

/// What each field counts in addition to its text (RFC 9114 §4.2.2).
inline constexpr std::size_t field_overhead = 32;

/// A stream's number for nghttp3.
[[nodiscard]] inline std::int64_t number(quic::StreamId id) noexcept {
  return static_cast<std::int64_t>(id);
}

[[nodiscard]] inline const std::uint8_t* octets(std::string_view text) noexcept {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

[[nodiscard]] inline const std::uint8_t* octets(Bytes data) noexcept {
  return reinterpret_cast<const std::uint8_t*>(data.data());
}

[[nodiscard]] inline std::string_view to_text(nghttp3_rcbuf* buffer) noexcept {
  const nghttp3_vec text = nghttp3_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(text.base), text.len};
}

/// Views of the fields, in `scratch`; valid as long as both arguments stay unchanged.
[[nodiscard]] inline std::span<const nghttp3_nv> to_nghttp3(const Headers& headers,
                                                            std::vector<nghttp3_nv>& scratch) {
  scratch.clear();
  for (const Field& field : headers) {
    scratch.push_back({octets(field.name), octets(field.value), field.name.size(),
                       field.value.size(),
                       static_cast<std::uint8_t>(field.never_index ? NGHTTP3_NV_FLAG_NEVER_INDEX
                                                                   : NGHTTP3_NV_FLAG_NONE)});
  }
  return scratch;
}

}  // namespace quoin::inline v0::h3
