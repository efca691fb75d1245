// SPDX-License-Identifier: MIT
/// Making TLS contexts from files, texts and the system's trust store.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include <ngtcp2/ngtcp2_crypto_boringssl.h>
#include <openssl/bio.h>
#include <openssl/pem.h>

#include "quic/connection_impl.hpp"
#include "quic/resumption.hpp"
#include "tls/library.hpp"
#include "tls/requests.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0 {
namespace {

using quic::take_tls_error;

constexpr std::array system_bundles{"/etc/ssl/certs/ca-certificates.crt",
                                    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                    "/etc/ssl/cert.pem", "/usr/local/share/certs/ca-root-nss.crt"};

Error tls_error(std::string_view detail) { return {LocalError::certificate_invalid, detail}; }

/// The context that is asked may be a host's; the settings are those of the connection's Tls.
void log_key(const SSL* ssl, const char* line) {
  auto* ref = static_cast<ngtcp2_crypto_conn_ref*>(SSL_get_app_data(ssl));
  const auto& connection = *static_cast<quic::Connection::Impl*>(ref->user_data);
  if (const auto& log = connection.tls.impl().key_log) {
    log(line);
  }
}

/// Takes the first of our protocols that the client offers (RFC 7301 §3.2).
int select_alpn(SSL* ssl, const std::uint8_t** out, std::uint8_t* out_size,
                const std::uint8_t* offered, unsigned size, void*) {
  auto* ref = static_cast<ngtcp2_crypto_conn_ref*>(SSL_get_app_data(ssl));
  const auto& connection = *static_cast<quic::Connection::Impl*>(ref->user_data);
  for (const std::string& ours : connection.shared.config.alpn) {
    for (std::size_t at = 0; at < size; at += offered[at] + std::size_t{1}) {
      const std::size_t length = offered[at];
      if (at + 1 + length > size) {
        break;
      }
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

Result<std::shared_ptr<Tls::Impl>> make_impl(bool server) {
  if (const char* problem = quic::tls_library_error()) {
    return std::unexpected(tls_error(problem));
  }
  auto impl = std::make_shared<Tls::Impl>();
  impl->server = server;
  impl->context.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* context = impl->context.get();
  const int configured = context == nullptr ? -1
                         : server ? ngtcp2_crypto_boringssl_configure_server_context(context)
                                  : ngtcp2_crypto_boringssl_configure_client_context(context);
  if (configured != 0) {
    return std::unexpected(tls_error("cannot make a TLS context: " + take_tls_error()));
  }
  SSL_CTX_set_keylog_callback(context, log_key);
  SSL_CTX_set_cert_verify_callback(context, quic::verify_peer, nullptr);
  // Whoever names a certificate as trusted means it, be it a root, an issuer or the peer's own.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  if (server) {
    SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);
    SSL_CTX_set_tlsext_servername_callback(context, quic::select_host);
    // One connection carries all requests, and the next one brings a new ticket with it. A second
    // one, BoringSSL's default, would be made and sent for nothing.
    SSL_CTX_set_num_tickets(context, 1);
  } else {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, quic::keep_ticket);
  }
  return impl;
}

/// A client without trust anchors. There is no way to fail here; its connections will say it.
std::shared_ptr<Tls::Impl> make_client() {
  if (auto impl = make_impl(false)) {
    return std::move(*impl);
  } else {
    auto broken = std::make_shared<Tls::Impl>();
    broken->setup_error = impl.error().detail();
    return broken;
  }
}

void trust_system(Tls::Impl& impl) {
  if (const char* chosen = std::getenv("SSL_CERT_FILE"); chosen != nullptr && *chosen != '\0') {
    const auto text = quic::read_file(chosen);
    if (!text || !quic::trust_anchors(impl, *text)) {
      impl.setup_error = "the file in SSL_CERT_FILE, " + std::string{chosen} +
                         ", cannot be read or has no certificates";
    }
    return;
  }
  for (const char* bundle : system_bundles) {
    if (const auto text = quic::read_file(bundle); text && quic::trust_anchors(impl, *text)) {
      return;
    }
  }
  impl.setup_error =
      "this system has no certificate bundle; install ca-certificates or name a file";
}

X509* leaf(const Tls::Impl& impl) {
  return impl.server ? SSL_CTX_get0_certificate(impl.context.get()) : nullptr;
}

}  // namespace

Result<Tls> Tls::server_from_pem(std::string_view chain, std::string_view key) {
  auto impl = make_impl(true);
  if (!impl) {
    return std::unexpected(impl.error());
  }
  if (auto used = quic::use_certificate((*impl)->context.get(), chain, key); !used) {
    return std::unexpected(used.error());
  }
  quic::index_names(**impl);
  return Tls{std::move(*impl)};
}

Result<Tls> Tls::server(const std::filesystem::path& chain, const std::filesystem::path& key) {
  return quic::from_pair(chain, key,
                         [](const std::string& chain_text, const std::string& key_text) {
                           return server_from_pem(chain_text, key_text);
                         });
}

Result<Tls> Tls::server_without_key_from_pem(std::string_view chain) {
  auto impl = make_impl(true);
  if (!impl) {
    return std::unexpected(impl.error());
  }
  if (auto used = quic::use_certificate((*impl)->context.get(), chain); !used) {
    return std::unexpected(used.error());
  }
  quic::index_names(**impl);
  return Tls{std::move(*impl)};
}

Result<Tls> Tls::server_without_key(const std::filesystem::path& chain) {
  const auto text = quic::read_file(chain);
  if (!text) {
    return std::unexpected(text.error());
  }
  auto made = server_without_key_from_pem(*text);
  if (!made) {
    return std::unexpected(quic::in_file(made.error(), chain));
  }
  return made;
}

Result<Tls> Tls::server_on_demand() {
  auto impl = make_impl(true);
  if (!impl) {
    return std::unexpected(impl.error());
  }
  (*impl)->on_demand = true;
  quic::ask_for_certificates((*impl)->context.get());
  quic::index_names(**impl);
  return Tls{std::move(*impl)};
}

Result<Tls> Tls::self_signed() {
  const std::array<std::string, 3> names{"localhost", "127.0.0.1", "::1"};
  return self_signed(names);
}

Tls Tls::client() {
  auto impl = make_client();
  if (impl->context) {
    trust_system(*impl);
  }
  return Tls{std::move(impl)};
}

Result<Tls> Tls::client_from_pem(std::string_view trust_anchors) {
  auto impl = make_impl(false);
  if (!impl) {
    return std::unexpected(impl.error());
  }
  if (auto trusted = quic::trust_anchors(**impl, trust_anchors); !trusted) {
    return std::unexpected(trusted.error());
  }
  return Tls{std::move(*impl)};
}

Result<Tls> Tls::client(const std::filesystem::path& trust_anchors) {
  const auto text = quic::read_file(trust_anchors);
  if (!text) {
    return std::unexpected(text.error());
  }
  auto made = client_from_pem(*text);
  if (!made) {
    return std::unexpected(quic::in_file(made.error(), trust_anchors));
  }
  return made;
}

Tls Tls::insecure_client() {
  auto impl = make_client();
  impl->trust = Trust::nothing;
  return Tls{std::move(impl)};
}

Result<Tls> Tls::pinned_client(std::span<const std::string> pins) {
  Tls made = insecure_client();
  if (auto pinned = made.pin(pins); !pinned) {
    return std::unexpected(pinned.error());
  }
  return made;
}

std::string Tls::trust_problem() const { return impl_->setup_error; }

bool Tls::is_server() const noexcept { return impl_->server; }

Result<> Tls::set_ciphers(std::string_view names) {
  struct Cipher {
    std::string_view name;
    std::uint16_t number;
  };

  static constexpr std::array<Cipher, 3> known{{{"TLS_AES_128_GCM_SHA256", 0x1301},
                                                {"TLS_AES_256_GCM_SHA384", 0x1302},
                                                {"TLS_CHACHA20_POLY1305_SHA256", 0x1303}}};
  std::vector<std::uint16_t> chosen;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(':'));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    const auto found = std::ranges::find(known, name, &Cipher::name);
    if (found == known.end()) {
      return std::unexpected(
          Error{UsageError::invalid_argument,
                "unknown cipher suite " + quic::printable(name) +
                    "; there are TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 and "
                    "TLS_CHACHA20_POLY1305_SHA256"});
    }
    chosen.push_back(found->number);
  }
  impl_->ciphers = std::move(chosen);
  return {};
}

void Tls::set_key_log(std::function<void(std::string_view line)> log) {
  impl_->key_log = std::move(log);
}

std::string Tls::certificate_sha256() const { return quic::fingerprint(leaf(*impl_)); }

std::string Tls::spki_sha256() const {
  const X509* const certificate = leaf(*impl_);
  return certificate == nullptr ? std::string{} : quic::base64(quic::spki_digest(certificate));
}

std::string Tls::certificate_pem() const {
  X509* const certificate = leaf(*impl_);
  if (certificate == nullptr) {
    return {};
  }
  const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), &BIO_free};
  PEM_write_bio_X509(out.get(), certificate);
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(impl_->context.get(), &chain);
  for (std::size_t i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    PEM_write_bio_X509(out.get(), sk_X509_value(chain, i));
  }
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  BIO_mem_contents(out.get(), &data, &size);
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace quoin::inline v0
