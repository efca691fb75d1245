// SPDX-License-Identifier: MIT
/// Stateless reset tokens by HMAC.
#include "quic/endpoint/reset_tokens.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace quoin::inline v0::quic {

ResetTokens::ResetTokens(std::string_view secret) {
  // A separate key, since other things are derived from the same secret.
  std::array<std::uint8_t, 32> key{};
  if (tls::derive_key(key, secret, "quoin stateless reset")) keyed_ = tls::KeyedHash{key};
}

bool ResetTokens::make(const ngtcp2_cid& cid, std::uint8_t* token) {
  std::array<std::uint8_t, tls::KeyedHash::digest_size> digest{};
  if (!keyed_.digest({cid.data, cid.datalen}, digest)) return false;
  std::copy_n(digest.begin(), NGTCP2_STATELESS_RESET_TOKENLEN, token);
  return true;
}

}  // namespace quoin::inline v0::quic
