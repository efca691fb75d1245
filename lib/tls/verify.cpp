// SPDX-License-Identifier: MIT
/// Checks the peer's certificate and reports why it was refused (RFC 9525). The common name is
/// ignored.

#include <algorithm>
#include <array>
#include <ctime>
#include <span>
#include <string>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <quoin/address.hpp>

#include "base/access.hpp"
#include "base/octets.hpp"
#include "tls/session.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0::tls {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += text.empty() ? "" : ", ";
    text += part;
  }
  return text;
}

Error name_error(const std::string& expected, const X509* certificate) {
  const auto names = certificate_names(certificate);
  return {LocalError::certificate_name,
          "the certificate is not for " + expected +
              (names.empty() ? "; it has no subjectAltName (a common name does not count)"
                             : ", only for " + join(names))};
}

bool is_pinned(const Tls::Impl& settings, const X509* certificate) {
  return settings.pins.empty() ||
         std::ranges::find(settings.pins, spki_digest(certificate)) != settings.pins.end();
}

Error pin_error(const X509* certificate) {
  return {LocalError::certificate_pin, "the server's key is none of the pinned ones; it is " +
                                           base64(spki_digest(certificate)) + " (subject " +
                                           name_text(X509_get_subject_name(certificate)) + ")"};
}

Error explain(int code, const X509* certificate, const Session& session) {
  const std::string subject = " (subject " + name_text(X509_get_subject_name(certificate)) + ")";
  switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return name_error(session.server_name(), certificate);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {LocalError::certificate_expired,
              "the certificate expired at " + time_text(X509_get0_notAfter(certificate)) + subject};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {LocalError::certificate_expired, "the certificate is not valid before " +
                                                   time_text(X509_get0_notBefore(certificate)) +
                                                   subject};
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return {LocalError::certificate_untrusted,
              "the certificate is self-signed and not among the trusted ones" + subject};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED: {
      const std::string& setup = detail::impl_of(session.settings()).setup_error;
      return {LocalError::certificate_untrusted,
              "no trusted issuer vouches for the certificate; it names the issuer " +
                  name_text(X509_get_issuer_name(certificate)) +
                  (setup.empty() ? "" : "; " + setup)};
    }
    default:
      return {LocalError::certificate_invalid,
              std::string{X509_verify_cert_error_string(code)} + subject};
  }
}

}  // namespace

int verify_peer(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  Session& session = Session::of(ssl);
  const Tls::Impl& settings = detail::impl_of(session.settings());
  if (settings.trust == Trust::nothing || X509_verify_cert(store) == 1) {
    if (is_pinned(settings, X509_STORE_CTX_get0_cert(store))) return 1;
    session.fail(pin_error(X509_STORE_CTX_get0_cert(store)));
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
  }
  const X509* certificate = X509_STORE_CTX_get_current_cert(store);
  if (certificate == nullptr) {
    certificate = X509_STORE_CTX_get0_cert(store);
  }
  const int code = X509_STORE_CTX_get_error(store);
  session.fail(certificate == nullptr
                   ? Error{LocalError::certificate_invalid, X509_verify_cert_error_string(code)}
                   : explain(code, certificate, session));
  return 0;
}

std::vector<std::string> certificate_names(const X509* certificate) {
  std::vector<std::string> names;
  if (certificate == nullptr) return names;
  auto* list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (list == nullptr) return names;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> owner{list,
                                                                            &GENERAL_NAMES_free};
  for (std::size_t i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS) {
      names.push_back("DNS:" +
                      printable(as_text(to_bytes(
                          ASN1_STRING_get0_data(name->d.dNSName),
                          static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))))));
    } else if (name->type == GEN_IPADD) {
      const Bytes ip = to_bytes(ASN1_STRING_get0_data(name->d.iPAddress),
                                static_cast<std::size_t>(ASN1_STRING_length(name->d.iPAddress)));
      if (const auto address = Address::from_bytes(ip, 0)) {
        names.push_back("IP:" + address->host());
      }
    }
  }
  return names;
}

std::string name_text(const X509_NAME* name) {
  const BioPtr out{BIO_new(BIO_s_mem())};
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  BIO_mem_contents(out.get(), &data, &size);
  return printable(as_text(to_bytes(data, size)));
}

std::string time_text(const ASN1_TIME* time) {
  std::int64_t seconds = 0;
  std::tm parts{};
  if (ASN1_TIME_to_posix(time, &seconds) != 1) return "an unreadable time";
  const std::time_t posix = seconds;
  gmtime_r(&posix, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

std::string take_tls_error() {
  const std::uint32_t code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

}  // namespace quoin::inline v0::tls
