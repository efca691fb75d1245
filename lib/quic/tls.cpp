// SPDX-License-Identifier: MIT
/// Making TLS contexts from files, texts and the system's trust store.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <ngtcp2/ngtcp2_crypto_boringssl.h>
#include <openssl/base64.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "quic/connection_impl.hpp"
#include "quic/resumption.hpp"
#include "quic/tls_impl.hpp"
#include "quic/tls_library.hpp"

namespace quoin {
namespace {

using quic::take_tls_error;

struct FreeX509 {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};

using X509Ptr = std::unique_ptr<X509, FreeX509>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

constexpr std::array system_bundles{"/etc/ssl/certs/ca-certificates.crt",
                                    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                    "/etc/ssl/cert.pem", "/usr/local/share/certs/ca-root-nss.crt"};

constexpr std::array<std::uint8_t, 5> session_context{'q', 'u', 'o', 'i', 'n'};

std::string sha256_hex(Bytes data) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(quic::to_octets(data), data.size(), digest.data());
  return quic::to_hex(digest);
}

Error tls_error(std::string detail) { return {LocalError::certificate_invalid, std::move(detail)}; }

Result<std::string> read_file(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::error_code ignored;
  if (!in || std::filesystem::is_directory(file, ignored)) {
    const int code = errno != 0 ? errno : EISDIR;
    return std::unexpected(Error{Error::Domain::system, static_cast<std::uint64_t>(code),
                                 "cannot read " + file.string()});
  }
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

/// Puts the name of the file in front of what is wrong with it.
Error in_file(const Error& error, const std::filesystem::path& file) {
  return {error.domain(), error.code(), file.string() + ": " + std::string{error.detail()}};
}

BioPtr text_bio(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<ossl_ssize_t>(text.size())), &BIO_free};
}

std::vector<X509Ptr> read_certificates(std::string_view pem) {
  std::vector<X509Ptr> certificates;
  const BioPtr in = text_bio(pem);
  while (X509* certificate = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();
  return certificates;
}

void log_key(const SSL* ssl, const char* line) {
  const auto* impl = static_cast<const Tls::Impl*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (impl->key_log) {
    impl->key_log(line);
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
  SSL_CTX_set_app_data(context, impl.get());
  SSL_CTX_set_keylog_callback(context, log_key);
  if (server) {
    SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);
    SSL_CTX_set_session_id_context(context, session_context.data(), session_context.size());
  } else {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, quic::keep_ticket);
    SSL_CTX_set_cert_verify_callback(context, quic::verify_peer, nullptr);
    // Whoever names a certificate as trusted means it, be it a root, an issuer or the server's own.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  }
  return impl;
}

Result<> trust(Tls::Impl& impl, std::string_view pem) {
  const auto certificates = read_certificates(pem);
  if (certificates.empty()) {
    return std::unexpected(tls_error("no PEM certificate in it (-----BEGIN CERTIFICATE-----)"));
  }
  impl.trust_id = sha256_hex(as_bytes(pem));
  X509_STORE* store = SSL_CTX_get_cert_store(impl.context.get());
  for (const X509Ptr& certificate : certificates) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) {
      ERR_clear_error();  // one that is there already
    }
  }
  return {};
}

void trust_system(Tls::Impl& impl) {
  if (const char* chosen = std::getenv("SSL_CERT_FILE"); chosen != nullptr && *chosen != '\0') {
    const auto text = read_file(chosen);
    if (!text || !trust(impl, *text)) {
      impl.setup_error = "the file in SSL_CERT_FILE, " + std::string{chosen} +
                         ", cannot be read or has no certificates";
    }
    return;
  }
  for (const char* bundle : system_bundles) {
    if (const auto text = read_file(bundle); text && trust(impl, *text)) {
      return;
    }
  }
  impl.setup_error =
      "this system has no certificate bundle; install ca-certificates or name a file";
}

X509* leaf(const Tls::Impl& impl) { return SSL_CTX_get0_certificate(impl.context.get()); }

}  // namespace

Result<Tls> Tls::server_from_pem(std::string_view chain, std::string_view key) {
  auto impl = make_impl(true);
  if (!impl) {
    return std::unexpected(impl.error());
  }
  SSL_CTX* context = (*impl)->context.get();
  const auto certificates = read_certificates(chain);
  if (certificates.empty()) {
    return std::unexpected(
        tls_error("no PEM certificate in the chain (-----BEGIN CERTIFICATE-----)"));
  }
  if (SSL_CTX_use_certificate(context, certificates.front().get()) != 1) {
    return std::unexpected(tls_error("cannot use the certificate: " + take_tls_error()));
  }
  for (const X509Ptr& issuer : std::span{certificates}.subspan(1)) {
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) {
      return std::unexpected(tls_error("cannot use the chain: " + take_tls_error()));
    }
  }
  const BioPtr in = text_bio(key);
  // An encrypted key would make the library ask at the terminal; the empty password makes it fail.
  char no_password[] = "";
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> parsed{
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, no_password), &EVP_PKEY_free};
  if (!parsed) {
    return std::unexpected(
        tls_error("no unencrypted PEM private key in the key: " + take_tls_error()));
  }
  if (X509_check_private_key(certificates.front().get(), parsed.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, parsed.get()) != 1) {
    ERR_clear_error();
    return std::unexpected(tls_error("the private key does not belong to the certificate"));
  }
  return Tls{std::move(*impl)};
}

Result<Tls> Tls::server(const std::filesystem::path& chain, const std::filesystem::path& key) {
  const auto chain_text = read_file(chain);
  if (!chain_text) {
    return std::unexpected(chain_text.error());
  }
  const auto key_text = read_file(key);
  if (!key_text) {
    return std::unexpected(key_text.error());
  }
  auto made = server_from_pem(*chain_text, *key_text);
  if (!made) {
    return std::unexpected(in_file(made.error(), chain.string() + ", " + key.string()));
  }
  return made;
}

Result<Tls> Tls::self_signed() {
  const std::array<std::string, 3> names{"localhost", "127.0.0.1", "::1"};
  return self_signed(names);
}

Tls Tls::client() {
  auto impl = make_impl(false);
  if (!impl) {
    // There is no way to fail here; the connections will say it.
    auto broken = std::make_shared<Impl>();
    broken->setup_error = impl.error().detail();
    return Tls{std::move(broken)};
  }
  trust_system(**impl);
  return Tls{std::move(*impl)};
}

Result<Tls> Tls::client_from_pem(std::string_view trust_anchors) {
  auto impl = make_impl(false);
  if (!impl) {
    return std::unexpected(impl.error());
  }
  if (auto trusted = trust(**impl, trust_anchors); !trusted) {
    return std::unexpected(trusted.error());
  }
  return Tls{std::move(*impl)};
}

Result<Tls> Tls::client(const std::filesystem::path& trust_anchors) {
  const auto text = read_file(trust_anchors);
  if (!text) {
    return std::unexpected(text.error());
  }
  auto made = client_from_pem(*text);
  if (!made) {
    return std::unexpected(in_file(made.error(), trust_anchors));
  }
  return made;
}

Tls Tls::insecure_client() {
  auto impl = make_impl(false);
  if (!impl) {
    auto broken = std::make_shared<Impl>();
    broken->setup_error = impl.error().detail();
    return Tls{std::move(broken)};
  }
  SSL_CTX_set_cert_verify_callback((*impl)->context.get(), [](X509_STORE_CTX*, void*) { return 1; },
                                   nullptr);
  (*impl)->trust_id = "insecure";
  return Tls{std::move(*impl)};
}

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

std::string Tls::certificate_sha256() const {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  unsigned size = 0;
  if (!impl_->server || X509_digest(leaf(*impl_), EVP_sha256(), digest.data(), &size) != 1) {
    return {};
  }
  return quic::to_hex(digest);
}

std::string Tls::spki_sha256() const {
  if (!impl_->server) {
    return {};
  }
  std::uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf(*impl_)), &der);
  if (size <= 0) {
    return {};
  }
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  OPENSSL_free(der);
  std::array<std::uint8_t, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> text{};
  const std::size_t length = EVP_EncodeBlock(text.data(), digest.data(), digest.size());
  return {reinterpret_cast<const char*>(text.data()), length};
}

std::string Tls::certificate_pem() const {
  if (!impl_->server) {
    return {};
  }
  const BioPtr out{BIO_new(BIO_s_mem()), &BIO_free};
  PEM_write_bio_X509(out.get(), leaf(*impl_));
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

}  // namespace quoin
