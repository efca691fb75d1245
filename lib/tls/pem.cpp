// SPDX-License-Identifier: MIT
/// Certificates and keys between PEM text and a TLS context, and their digests.

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <openssl/base64.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "quic/ngtcp2/types.hpp"
#include "tls/requests.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0::quic {
namespace {

struct FreeX509 {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};

using X509Ptr = std::unique_ptr<X509, FreeX509>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

static_assert(std::tuple_size_v<Sha256> == SHA256_DIGEST_LENGTH);

Error tls_error(std::string_view detail) { return {LocalError::certificate_invalid, detail}; }

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

Result<X509Ptr> use_chain(SSL_CTX* context, std::string_view chain) {
  auto certificates = read_certificates(chain);
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
  return std::move(certificates.front());
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  const int code = errno;
  std::error_code ignored;
  if (!in || std::filesystem::is_directory(file, ignored)) {
    return std::unexpected(Error{Error::Domain::system,
                                 static_cast<std::uint64_t>(in          ? EISDIR
                                                            : code != 0 ? code
                                                                        : EIO),
                                 "cannot read " + file.string()});
  }
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

Error in_file(const Error& error, const std::filesystem::path& file) {
  return {error.domain(), error.code(), file.string() + ": " + std::string{error.detail()}};
}

Result<> use_certificate(SSL_CTX* context, std::string_view chain, std::string_view key) {
  const auto leaf = use_chain(context, chain);
  if (!leaf) {
    return std::unexpected(leaf.error());
  }
  const BioPtr in = text_bio(key);
  // An encrypted key would make the library ask at the terminal; the empty password makes it fail.
  char no_password = 0;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> parsed{
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, &no_password), &EVP_PKEY_free};
  if (!parsed) {
    return std::unexpected(
        tls_error("no unencrypted PEM private key in the key: " + take_tls_error()));
  }
  if (X509_check_private_key(leaf->get(), parsed.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, parsed.get()) != 1) {
    ERR_clear_error();
    return std::unexpected(tls_error("the private key does not belong to the certificate"));
  }
  return {};
}

Result<> use_certificate(SSL_CTX* context, std::string_view chain) {
  if (const auto leaf = use_chain(context, chain); !leaf) {
    return std::unexpected(leaf.error());
  }
  ask_for_signatures(context);
  return {};
}

Result<> trust_anchors(Tls::Impl& impl, std::string_view pem) {
  const auto certificates = read_certificates(pem);
  if (certificates.empty()) {
    return std::unexpected(tls_error("no PEM certificate in it (-----BEGIN CERTIFICATE-----)"));
  }
  Sha256 digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size(), digest.data());
  impl.anchors_id = to_hex(digest);
  X509_STORE* store = SSL_CTX_get_cert_store(impl.context.get());
  for (const X509Ptr& certificate : certificates) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) {
      ERR_clear_error();  // one that is there already
    }
    if (impl.server) {
      // The names of the issuers help the client to choose a certificate (RFC 8446 §4.2.4).
      SSL_CTX_add_client_CA(impl.context.get(), certificate.get());
    }
  }
  return {};
}

Sha256 spki_digest(const X509* certificate) {
  std::uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  Sha256 digest{};
  if (size > 0) {
    SHA256(der, static_cast<std::size_t>(size), digest.data());
    OPENSSL_free(der);
  }
  return digest;
}

std::string fingerprint(const X509* certificate) {
  Sha256 digest{};
  unsigned size = 0;
  if (certificate == nullptr || X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
    return {};
  }
  return to_hex(digest);
}

std::string base64(const Sha256& digest) {
  std::array<std::uint8_t, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> text{};
  const std::size_t length = EVP_EncodeBlock(text.data(), digest.data(), digest.size());
  return {reinterpret_cast<const char*>(text.data()), length};
}

}  // namespace quoin::inline v0::quic
