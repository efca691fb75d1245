// SPDX-License-Identifier: MIT
/// Handshakes that wait for a certificate or a signature. BoringSSL stops in a callback; the
/// question waits here until the endpoint's owner asks for it, and the answer makes ngtcp2 go on.
/// Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include <openssl/base.h>

#include <quoin/tls_request.hpp>

namespace quoin::inline v0::quic {

/// What all connections of an endpoint wait for.
struct TlsRequests {
  std::deque<TlsRequestId> unseen;  ///< not polled yet; each of them waits
  std::size_t waiting = 0;          ///< with those that were polled
  std::uint64_t made = 0;
  std::uint64_t refused = 0;
};

/// A signature that is longer is a mistake: RSA with 8192 bits makes 1024 bytes.
inline constexpr std::size_t max_signature = 1024;

/// Has every handshake of this context stop until it was given a certificate.
void ask_for_certificates(SSL_CTX* context);
/// Has every full handshake of this context, which has a certificate, stop until it was given a
/// signature.
void ask_for_signatures(SSL_CTX* context);

}  // namespace quoin::inline v0::quic
