// SPDX-License-Identifier: MIT
/// Self-signed certificates for development and tests.

#include <algorithm>
#include <ctime>
#include <string>

#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <quoin/address.hpp>

#include "base/octets.hpp"
#include "tls/library.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0 {
namespace {

using tls::BioPtr;
using tls::CertificatePtr;
using tls::KeyPtr;

/// The longest lifetime that browsers accept for a certificate trusted by its fingerprint, minus a
/// margin for clock differences.
constexpr long backdate = 3600;
constexpr long lifetime = 14L * 24 * 3600 - 2 * backdate;

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '*' || c == '_';
  });
}

/// The names in the syntax of the library's extension parser: "DNS:a,IP:192.0.2.1".
Result<std::string> alternative_names(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) {
    text += text.empty() ? "" : ",";
    if (const auto address = Address::parse_host(name, 0)) {
      text += "IP:" + address->host();
    } else if (is_host_name(name)) {
      text += "DNS:" + name;
    } else {
      return std::unexpected(Error{UsageError::invalid_argument,
                                   "neither a host name nor an IP address: " + printable(name)});
    }
  }
  if (text.empty()) {
    return std::unexpected(
        Error{UsageError::invalid_argument, "a certificate needs at least one name"});
  }
  return text;
}

KeyPtr make_key() {
  KeyPtr key{EVP_PKEY_new()};
  EC_KEY* curve = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
  if (!key || curve == nullptr || EC_KEY_generate_key(curve) != 1 ||
      EVP_PKEY_assign_EC_KEY(key.get(), curve) != 1) {
    EC_KEY_free(curve);
    return {};
  }
  return key;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension{
      X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()), &X509_EXTENSION_free};
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool fill(X509* certificate, EVP_PKEY* key, const std::string& names) {
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<std::uint8_t*>(&serial), sizeof serial);
  X509_NAME* subject = X509_get_subject_name(certificate);
  constexpr std::string_view common_name = "quoin development certificate";
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1U) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -backdate) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), lifetime) != nullptr &&
         X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
                                    reinterpret_cast<const std::uint8_t*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1 &&
         X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_subject_alt_name, names) &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
         X509_sign(certificate, key, EVP_sha256()) != 0;
}

std::string contents(BIO* memory) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  BIO_mem_contents(memory, &data, &size);
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

Result<Tls> Tls::self_signed(std::span<const std::string> names) {
  if (const char* problem = tls::library_error()) {
    return std::unexpected(Error{LocalError::certificate_invalid, problem});
  }
  const auto alternatives = alternative_names(names);
  if (!alternatives) return std::unexpected(alternatives.error());
  const KeyPtr key = make_key();
  const CertificatePtr certificate{X509_new()};
  const BioPtr certificate_text{BIO_new(BIO_s_mem())};
  const BioPtr key_text{BIO_new(BIO_s_mem())};
  if (!key || !certificate || !fill(certificate.get(), key.get(), *alternatives) ||
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return std::unexpected(Error{LocalError::certificate_invalid,
                                 "cannot make a certificate: " + tls::take_tls_error()});
  }
  return server_from_pem(contents(certificate_text.get()), contents(key_text.get()));
}

}  // namespace quoin::inline v0
