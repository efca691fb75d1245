// SPDX-License-Identifier: MIT
/// Taking tickets and using them, inside the engine. Not public.
#pragma once

#include <string>

#include <openssl/ssl.h>

#include <quoin/quic/resumption.hpp>
#include <quoin/tls.hpp>

#include "quic/connection_impl.hpp"

namespace quoin::inline v0::quic {

/// The engine's way to the members.
struct ResumptionAccess {
  [[nodiscard]] static auto& trust(auto& resumption) { return resumption.trust_; }

  [[nodiscard]] static auto& server_name(auto& resumption) { return resumption.server_name_; }

  [[nodiscard]] static auto& alpn(auto& resumption) { return resumption.alpn_; }

  [[nodiscard]] static auto& tls_session(auto& resumption) { return resumption.tls_session_; }

  [[nodiscard]] static auto& transport_parameters(auto& resumption) {
    return resumption.transport_parameters_;
  }

  [[nodiscard]] static auto& token(auto& resumption) { return resumption.token_; }
};

/// For SSL_CTX_sess_set_new_cb: keeps the newest ticket with its connection.
int keep_ticket(SSL* ssl, SSL_SESSION* session);
/// Allows early data at a server and binds it to the settings it depends on (RFC 9001 §4.6.1).
[[nodiscard]] bool allow_early_data(SSL* ssl, const Config& config);
/// Derives the keys that tickets are encrypted with from the endpoint's secret, so that all
/// workers and restarts of a service understand each other's.
void share_ticket_keys(const Tls& server, const std::string& secret);

}  // namespace quoin::inline v0::quic
