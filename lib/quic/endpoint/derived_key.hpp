// SPDX-License-Identifier: MIT
/// Keys for one purpose each, from the one secret of an endpoint. Not public.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <openssl/digest.h>
#include <openssl/hkdf.h>

#include <quoin/bytes.hpp>

#include "quic/ngtcp2/types.hpp"

namespace quoin::inline v0::quic {

/// Fills `key`; `label` says what it is for, so that no other purpose gets the same. False: no
/// memory.
[[nodiscard]] inline bool derive_key(std::span<std::uint8_t> key, std::string_view secret,
                                     std::string_view label) {
  return HKDF(key.data(), key.size(), EVP_sha256(), to_octets(as_bytes(secret)), secret.size(),
              nullptr, 0, to_octets(as_bytes(label)), label.size()) == 1;
}

}  // namespace quoin::inline v0::quic
