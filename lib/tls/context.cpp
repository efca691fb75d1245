// SPDX-License-Identifier: MIT
/// Contexts from the settings of a Tls: one per transport, made when needed.

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/sha.h>

#include "base/access.hpp"
#include "base/octets.hpp"
#include "tls/crypto.hpp"
#include "tls/requests.hpp"
#include "tls/session.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0 {
namespace tls {
namespace {

/// This context may be a host's; the settings are those of the session's Tls.
void log_key(const SSL* ssl, const char* line) {
  if (auto& log = detail::impl_of(Session::of(ssl).settings()).key_log) {
    log(line);
  }
}

/// Takes the first of our protocols that the client offers (RFC 7301 §3.2).
int select_alpn(SSL* ssl, const std::uint8_t** out, std::uint8_t* out_size,
                const std::uint8_t* offered, unsigned size, void*) {
  for (const std::string& ours : Session::of(ssl).connection().protocols()) {
    for (std::size_t at = 0; at < size; at += offered[at] + std::size_t{1}) {
      const std::size_t length = offered[at];
      if (at + 1 + length > size) break;
      if (std::ranges::equal(ours, std::span{offered + at + 1, length}, [](char a, std::uint8_t b) {
            return static_cast<std::uint8_t>(a) == b;
          })) {
        *out = offered + at + 1;
        *out_size = static_cast<std::uint8_t>(length);
        return SSL_TLSEXT_ERR_OK;
      }
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Hands the newest ticket over.
int keep_ticket(SSL* ssl, SSL_SESSION* session) {
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (SSL_SESSION_to_bytes(session, &data, &size) == 1) {
    Session::of(ssl).connection().keep_ticket({reinterpret_cast<const char*>(data), size});
    OPENSSL_free(data);
  }
  return 0;  // the session stays with the library, which frees it
}

void set_up_server(SSL_CTX* context) {
  SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, select_host);
  // One connection carries all requests, and the next one brings a new ticket with it. A second
  // one, BoringSSL's default, would be wasted.
  SSL_CTX_set_num_tickets(context, 1);
}

void set_up_client(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_ticket);
}

}  // namespace

Result<> show(SSL_CTX* context, const Identity& identity) {
  if (SSL_CTX_use_certificate(context, identity.leaf()) != 1) {
    return std::unexpected(tls_error("cannot use the certificate: " + take_tls_error()));
  }
  for (const CertificatePtr& issuer : std::span{identity.chain}.subspan(1)) {
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) {
      return std::unexpected(tls_error("cannot use the chain: " + take_tls_error()));
    }
  }
  if (!identity.key) {
    ask_for_signatures(context);
    return {};
  }
  if (SSL_CTX_use_PrivateKey(context, identity.key.get()) != 1) {
    return std::unexpected(tls_error("cannot use the private key: " + take_tls_error()));
  }
  return {};
}

Sha256 sha256(std::string_view text) {
  Sha256 digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), digest.data());
  return digest;
}

void share_ticket_keys(const Tls& server, std::string_view secret) {
  TicketKeys keys{};
  if (derive_key(keys, secret, "quoin session tickets")) {
    detail::impl_of(server).set_ticket_keys(keys);
  }
}

}  // namespace tls

Result<> Tls::Impl::use(tls::Identity made) {
  // Tried out, so that the caller learns of an error.
  const tls::ContextPtr trial{SSL_CTX_new(TLS_method())};
  if (!trial) {
    return std::unexpected(tls::tls_error("cannot make a TLS context: " + tls::take_tls_error()));
  }
  if (auto shown = tls::show(trial.get(), made); !shown) return shown;
  identity = std::move(made);
  if (server) {
    index_names();
  }
  forget_contexts();
  return {};
}

Result<> Tls::Impl::trust_anchors(std::string_view pem) {
  auto certificates = tls::read_certificates(pem);
  if (certificates.empty()) {
    return std::unexpected(
        tls::tls_error("no PEM certificate in it (-----BEGIN CERTIFICATE-----)"));
  }
  anchors_id = to_hex(tls::sha256(pem));
  for (tls::CertificatePtr& certificate : certificates) {
    if (X509_STORE_add_cert(store.get(), certificate.get()) != 1) {
      (void)tls::take_tls_error();  // one that is there already
    }
    if (server) {
      anchors.push_back(std::move(certificate));
    }
  }
  forget_contexts();
  return {};
}

void Tls::Impl::ask_clients(ClientAuth mode) {
  client_auth = mode;
  forget_contexts();
}

void Tls::Impl::forget_contexts() {
  const std::scoped_lock lock{mutex_};
  contexts_.clear();
}

void Tls::Impl::set_ticket_keys(const tls::TicketKeys& keys) {
  const std::scoped_lock lock{mutex_};
  // The workers of a service set the same value one after the other, while the first ones already
  // use it.
  if (ticket_keys_ == keys) return;
  ticket_keys_ = keys;
  contexts_.clear();
}

tls::ContextPtr Tls::Impl::context(const tls::Transport& transport) const {
  const std::scoped_lock lock{mutex_};
  auto found = std::ranges::find(contexts_, &transport, &Made::first);
  if (found == contexts_.end()) {
    tls::ContextPtr made = make_context(transport);
    if (!made) return made;
    contexts_.emplace_back(&transport, std::move(made));
    found = std::prev(contexts_.end());
  }
  SSL_CTX_up_ref(found->second.get());
  return tls::ContextPtr{found->second.get()};
}

tls::ContextPtr Tls::Impl::make_context(const tls::Transport& transport) const {
  if (!store) return {};
  tls::ContextPtr made{SSL_CTX_new(TLS_method())};
  SSL_CTX* const context = made.get();
  if (context == nullptr || !transport.set_up(context, server)) return {};
  SSL_CTX_set_keylog_callback(context, tls::log_key);
  SSL_CTX_set_cert_verify_callback(context, tls::verify_peer, nullptr);
  // A certificate named as trusted is trusted, be it a root, an issuer or the peer's own.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  X509_STORE_up_ref(store.get());
  SSL_CTX_set_cert_store(context, store.get());
  if (identity.leaf() != nullptr && !tls::show(context, identity)) return {};
  if (!server) {
    tls::set_up_client(context);
    return made;
  }
  tls::set_up_server(context);
  if (on_demand) tls::ask_for_certificates(context);
  for (const tls::CertificatePtr& anchor : anchors) {
    // The names of the issuers help the client to choose a certificate (RFC 8446 §4.2.4).
    SSL_CTX_add_client_CA(context, anchor.get());
  }
  const tls::Sha256 scope = ticket_scope(transport);
  SSL_CTX_set_session_id_context(context, scope.data(), scope.size());
  if (ticket_keys_) {
    SSL_CTX_set_tlsext_ticket_keys(context, ticket_keys_->data(), ticket_keys_->size());
  }
  return made;
}

tls::Sha256 Tls::Impl::ticket_scope(const tls::Transport& transport) const {
  // A new certificate for the same names does not change it.
  std::string scope = "quoin ";
  scope += transport.name;
  std::vector<std::string> names = tls::certificate_names(identity.leaf());
  for (std::string& name : names) {
    name = tls::lower(name);
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    scope += '\n' + name;
  }
  scope += "\n\n" + std::to_string(static_cast<int>(client_auth)) + anchors_id;
  return tls::sha256(scope);
}

}  // namespace quoin::inline v0
