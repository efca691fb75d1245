// SPDX-License-Identifier: MIT
/// Checks token keys, for code that keeps them until there is an endpoint. Not public.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <quoin/error.hpp>

namespace quoin::inline v0::quic {

/// Of Config::secret and each of Config::token_secrets, in bytes.
inline constexpr std::size_t min_secret_size = 32;

/// Not too many, and none too short; an empty list is fine.
[[nodiscard]] bool are_token_secrets(const std::vector<std::string>& secrets) noexcept;
/// The same for replacements: there must be at least one. Errors: UsageError::invalid_argument.
[[nodiscard]] Result<> check_token_secrets(const std::vector<std::string>& secrets);

}  // namespace quoin::inline v0::quic
