// SPDX-License-Identifier: MIT
/// Making certificates for tests, with BoringSSL.

#include "support/certs.hpp"

#include <cstdint>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/digest.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace quoin::test {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

void require(bool good, const char* what) {
  if (!good) {
    throw std::runtime_error{what};
  }
}

KeyPtr make_rsa_key() {
  KeyPtr key{EVP_PKEY_new(), &EVP_PKEY_free};
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> exponent{BN_new(), &BN_free};
  RSA* rsa = RSA_new();
  require(BN_set_word(exponent.get(), RSA_F4) == 1 &&
              RSA_generate_key_ex(rsa, 2048, exponent.get(), nullptr) == 1 &&
              EVP_PKEY_assign_RSA(key.get(), rsa) == 1,
          "key");
  return key;
}

KeyPtr make_key() {
  KeyPtr key{EVP_PKEY_new(), &EVP_PKEY_free};
  EC_KEY* curve = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
  require(EC_KEY_generate_key(curve) == 1 && EVP_PKEY_assign_EC_KEY(key.get(), curve) == 1, "key");
  return key;
}

std::string contents(const BioPtr& memory) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  BIO_mem_contents(memory.get(), &data, &size);
  return {reinterpret_cast<const char*>(data), size};
}

Identity to_pem(X509* certificate, EVP_PKEY* key) {
  const BioPtr certificate_text{BIO_new(BIO_s_mem()), &BIO_free};
  const BioPtr key_text{BIO_new(BIO_s_mem()), &BIO_free};
  PEM_write_bio_X509(certificate_text.get(), certificate);
  PEM_write_bio_PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return {contents(certificate_text), contents(key_text)};
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension{
      X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()), &X509_EXTENSION_free};
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

/// `issuer` and `issuer_key` null: signed by itself.
Identity make(const CertificateRequest& request, X509* issuer, EVP_PKEY* issuer_key) {
  const KeyPtr key = request.is_rsa ? make_rsa_key() : make_key();
  const CertificatePtr certificate{X509_new(), &X509_free};
  X509* made = certificate.get();
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<std::uint8_t*>(&serial), sizeof serial);
  constexpr long day = 24L * 3600;
  X509_set_version(made, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made), request.is_rsa ? 1 : serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(made), request.valid_from_days * day);
  X509_gmtime_adj(X509_getm_notAfter(made), request.valid_to_days * day);
  X509_NAME_add_entry_by_NID(X509_get_subject_name(made), NID_commonName, MBSTRING_ASC,
                             reinterpret_cast<const std::uint8_t*>(request.common_name.data()),
                             static_cast<int>(request.common_name.size()), -1, 0);
  X509_set_issuer_name(made, X509_get_subject_name(issuer == nullptr ? made : issuer));
  X509_set_pubkey(made, key.get());
  X509* const signer = issuer == nullptr ? made : issuer;
  add_extension(made, signer, NID_basic_constraints,
                request.is_issuer ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!request.alternative_names.empty()) {
    add_extension(made, signer, NID_subject_alt_name, request.alternative_names);
  }
  if (!request.is_issuer) {
    add_extension(made, signer, NID_ext_key_usage, request.extended_usage);
  }
  require(X509_sign(made, issuer_key == nullptr ? key.get() : issuer_key, EVP_sha256()) != 0,
          "signature");
  return to_pem(made, key.get());
}

}  // namespace

Identity self_signed(const CertificateRequest& request) { return make(request, nullptr, nullptr); }

Identity signed_by(const Identity& issuer, const CertificateRequest& request) {
  const BioPtr certificate_text{
      BIO_new_mem_buf(issuer.certificate.data(), static_cast<int>(issuer.certificate.size())),
      &BIO_free};
  const BioPtr key_text{BIO_new_mem_buf(issuer.key.data(), static_cast<int>(issuer.key.size())),
                        &BIO_free};
  const CertificatePtr certificate{
      PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr), &X509_free};
  const KeyPtr key{PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr),
                   &EVP_PKEY_free};
  require(certificate && key, "issuer");
  return make(request, certificate.get(), key.get());
}

std::vector<std::byte> sign(const std::string& key, SignatureScheme scheme, Bytes input) {
  const BioPtr text{BIO_new_mem_buf(key.data(), static_cast<int>(key.size())), &BIO_free};
  const KeyPtr parsed{PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr),
                      &EVP_PKEY_free};
  const bool is_rsa = scheme == SignatureScheme::rsa_pss_rsae_sha256;
  require(parsed && (is_rsa || scheme == SignatureScheme::ecdsa_secp256r1_sha256), "scheme");
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free};
  EVP_PKEY_CTX* options = nullptr;
  require(EVP_DigestSignInit(context.get(), &options, EVP_sha256(), nullptr, parsed.get()) == 1,
          "sign");
  if (is_rsa) {
    require(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(options, -1) == 1,
            "padding");
  }
  const auto* data = reinterpret_cast<const std::uint8_t*>(input.data());
  std::vector<std::byte> signature(512);
  std::size_t size = signature.size();
  require(EVP_DigestSign(context.get(), reinterpret_cast<std::uint8_t*>(signature.data()), &size,
                         data, input.size()) == 1,
          "sign");
  signature.resize(size);
  return signature;
}

Issuer::Issuer(const std::string& name)
    : identity_(self_signed({.common_name = name,
                             .alternative_names = "",
                             .valid_to_days = 3650,
                             .is_issuer = true})) {}

Issuer::~Issuer() = default;

Identity Issuer::issue(const CertificateRequest& request) const {
  return signed_by(identity_, request);
}

}  // namespace quoin::test
