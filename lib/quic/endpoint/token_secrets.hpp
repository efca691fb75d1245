// SPDX-License-Identifier: MIT
/// What may be a key of tokens, for those who keep keys until there is an endpoint. Not public.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <quoin/error.hpp>

namespace quoin::inline v0::quic {

/// Of Config::secret and each of Config::token_secrets, in bytes.
inline constexpr std::size_t min_secret_size = 32;

/// No more than there may be, and none too short; none at all is fine.
[[nodiscard]] bool are_token_secrets(const std::vector<std::string>& secrets) noexcept;
/// The same for what is to replace others: there must be one. Errors:
/// UsageError::invalid_argument.
[[nodiscard]] Result<> check_token_secrets(const std::vector<std::string>& secrets);

}  // namespace quoin::inline v0::quic
