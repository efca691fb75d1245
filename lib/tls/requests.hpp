// SPDX-License-Identifier: MIT
/// Handshakes that wait for a certificate or a signature: BoringSSL stops in a callback, and goes
/// on when the Session was given what is asked for. Not public.
#pragma once

#include <openssl/base.h>

namespace quoin::inline v0::tls {

/// Has every handshake of this context stop until it was given a certificate.
void ask_for_certificates(SSL_CTX* context);
/// Has every full handshake of this context, which has a certificate, stop until it was given a
/// signature.
void ask_for_signatures(SSL_CTX* context);

}  // namespace quoin::inline v0::tls
