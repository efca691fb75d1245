// SPDX-License-Identifier: MIT
/// Whether a field section may be sent. nghttp3 checks received ones, except for what it leaves
/// out.
#pragma once

#include <quoin/error.hpp>
#include <quoin/headers.hpp>

namespace quoin::inline v0 {

/// What a field section is for.
enum class SectionKind { request, interim_response, final_response, trailers };

/// Errors: UsageError::invalid_argument, naming the field (RFC 9114 §4.2, §4.3).
[[nodiscard]] Result<> validate_section(const Headers& headers, SectionKind kind);

/// If a request has both `:authority` and `host`, they must be the same (RFC 9114 §4.3.1).
[[nodiscard]] bool is_consistent_authority(const Headers& headers) noexcept;

}  // namespace quoin::inline v0
