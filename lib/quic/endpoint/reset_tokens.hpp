// SPDX-License-Identifier: MIT
/// The stateless reset tokens that an endpoint issues: always the same one for a connection ID, so
/// that it can be made again when everything else about the connection is gone.
#pragma once

#include <cstdint>
#include <string_view>

#include <ngtcp2/ngtcp2.h>

#include "tls/crypto.hpp"

namespace quoin::inline v0::quic {

/// An HMAC of the connection ID (RFC 9000 §10.3.2). The key is prepared once: a client gets about
/// eight IDs in its handshake.
class ResetTokens {
 public:
  ResetTokens() = default;  ///< makes none
  explicit ResetTokens(std::string_view secret);

  /// Writes NGTCP2_STATELESS_RESET_TOKENLEN octets. False: no memory, and nothing to be sent.
  [[nodiscard]] bool make(const ngtcp2_cid& cid, std::uint8_t* token);

 private:
  tls::KeyedHash keyed_;
};

}  // namespace quoin::inline v0::quic
