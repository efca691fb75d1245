// SPDX-License-Identifier: MIT
/// Certificates and keys from PEM text, and their digests.

#include <array>
#include <cerrno>
#include <filesystem>
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

#include "base/octets.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0::tls {
namespace {

static_assert(std::tuple_size_v<Sha256> == SHA256_DIGEST_LENGTH);

BioPtr text_bio(std::string_view text) {
  return BioPtr{BIO_new_mem_buf(text.data(), static_cast<ossl_ssize_t>(text.size()))};
}

}  // namespace

Error tls_error(std::string_view detail) { return {LocalError::certificate_invalid, detail}; }

std::vector<CertificatePtr> read_certificates(std::string_view pem) {
  std::vector<CertificatePtr> certificates;
  const BioPtr in = text_bio(pem);
  while (X509* certificate = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();
  return certificates;
}

Result<std::string> read_file(const FilePath& file) {
  errno = 0;
  std::ifstream in{file.native(), std::ios::binary};
  const int code = errno;
  std::error_code ignored;
  if (!in || std::filesystem::is_directory(file.native(), ignored)) {
    return std::unexpected(Error{Error::Domain::system,
                                 static_cast<std::uint64_t>(in          ? EISDIR
                                                            : code != 0 ? code
                                                                        : EIO),
                                 "cannot read " + file.native()});
  }
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

Error in_file(const Error& error, const FilePath& file) {
  return {error.domain(), error.code(), file.native() + ": " + std::string{error.detail()}};
}

Result<Identity> parse_identity(std::string_view chain) {
  Identity identity{.chain = read_certificates(chain), .key = nullptr};
  if (identity.chain.empty()) {
    return std::unexpected(
        tls_error("no PEM certificate in the chain (-----BEGIN CERTIFICATE-----)"));
  }
  return identity;
}

Result<Identity> parse_identity(std::string_view chain, std::string_view key) {
  auto identity = parse_identity(chain);
  if (!identity) return identity;
  const BioPtr in = text_bio(key);
  // An encrypted key would make the library ask at the terminal; the empty password makes it fail.
  char no_password = 0;
  identity->key.reset(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, &no_password));
  if (!identity->key) {
    return std::unexpected(
        tls_error("no unencrypted PEM private key in the key: " + take_tls_error()));
  }
  if (X509_check_private_key(identity->leaf(), identity->key.get()) != 1) {
    ERR_clear_error();
    return std::unexpected(tls_error("the private key does not match the certificate"));
  }
  return identity;
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

}  // namespace quoin::inline v0::tls
