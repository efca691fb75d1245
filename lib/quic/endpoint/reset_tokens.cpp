// SPDX-License-Identifier: MIT
/// Stateless reset tokens by BoringSSL's HMAC.
#include "quic/endpoint/reset_tokens.hpp"

#include <algorithm>
#include <array>

#include <openssl/digest.h>
#include <openssl/hmac.h>

#include "quic/endpoint/derived_key.hpp"

namespace quoin::inline v0::quic {

void ResetTokens::Deleter::operator()(HMAC_CTX* context) const noexcept { HMAC_CTX_free(context); }

ResetTokens::ResetTokens(std::string_view secret) {
  // A key of its own, since other things are derived from the same secret.
  std::array<std::uint8_t, 32> key{};
  keyed_.reset(HMAC_CTX_new());
  if (!keyed_ || !derive_key(key, secret, "quoin stateless reset") ||
      HMAC_Init_ex(keyed_.get(), key.data(), key.size(), EVP_sha256(), nullptr) != 1) {
    keyed_.reset();
  }
}

bool ResetTokens::make(const ngtcp2_cid& cid, std::uint8_t* token) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  // Without a key it begins anew with the one that it has.
  if (!keyed_ || HMAC_Init_ex(keyed_.get(), nullptr, 0, nullptr, nullptr) != 1 ||
      HMAC_Update(keyed_.get(), cid.data, cid.datalen) != 1 ||
      HMAC_Final(keyed_.get(), digest.data(), nullptr) != 1) {
    return false;
  }
  std::copy_n(digest.begin(), NGTCP2_STATELESS_RESET_TOKENLEN, token);
  return true;
}

}  // namespace quoin::inline v0::quic
