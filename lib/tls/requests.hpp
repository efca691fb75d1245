// SPDX-License-Identifier: MIT
/// Handshakes that wait for a certificate or a signature: BoringSSL stops in a callback, and goes
/// on once the Session has the answer. Not public.
#pragma once

#include <openssl/base.h>

namespace quoin::inline v0::tls {

/// Makes every handshake of this context stop until it gets a certificate.
void ask_for_certificates(SSL_CTX* context);
/// Makes every full handshake of this context, which has a certificate, stop until it gets a
/// signature.
void ask_for_signatures(SSL_CTX* context);

}  // namespace quoin::inline v0::tls
