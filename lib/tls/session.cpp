// SPDX-License-Identifier: MIT
/// The TLS object of a connection: how it is made, what it offers, and the outcome.
#include "tls/session.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <quoin/address.hpp>

#include "base/access.hpp"
#include "base/octets.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0::tls {
namespace {

constexpr std::uint64_t no_application_protocol = 120;  // RFC 7301 §3.2
constexpr std::uint64_t insufficient_security = 71;     // RFC 8446 §6

/// Where an SSL object has its Session; app data are the transport's.
int session_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

void Session::Deleter::operator()(ssl_st* ssl) const noexcept {
  // The transport is gone already; nothing may call back into it (integration rule 25).
  SSL_set_app_data(ssl, nullptr);
  SSL_free(ssl);
}

Session::Session(Tls settings, Handshake& connection) noexcept
    : settings_(std::move(settings)), connection_(&connection) {}

Session::~Session() = default;

Session& Session::of(const ssl_st* ssl) noexcept {
  return *static_cast<Session*>(SSL_get_ex_data(ssl, session_index()));
}

bool Session::is_server() const noexcept { return detail::impl_of(settings_).server; }

void* Session::native_handle() noexcept { return ssl_.get(); }

void Session::set_app_data(void* data) noexcept { SSL_set_app_data(ssl_.get(), data); }

Result<> Session::make(const Transport& transport) {
  if (!detail::impl_of(settings_).store) {
    return std::unexpected(
        Error{LocalError::certificate_invalid, detail::impl_of(settings_).setup_error});
  }
  transport_ = &transport;
  const ContextPtr context = detail::impl_of(settings_).context(transport);
  ssl_.reset(context ? SSL_new(context.get()) : nullptr);
  if (!ssl_ || SSL_set_ex_data(ssl_.get(), session_index(), this) != 1) {
    return std::unexpected(Error{TransportError::internal_error, "no memory for a TLS object"});
  }
  return {};
}

Result<> Session::start_server(const Transport& transport) {
  if (auto made = make(transport); !made) return made;
  SSL_set_accept_state(ssl_.get());
  return {};
}

Result<> Session::start_client(const Transport& transport, std::string_view server_name,
                               std::span<const std::uint8_t> protocols) {
  if (auto made = make(transport); !made) return made;
  SSL_set_connect_state(ssl_.get());
  SSL_set_alpn_protos(ssl_.get(), protocols.data(), protocols.size());
  server_name_ = server_name;
  return expect_server_name();
}

Result<> Session::expect_server_name() {
  if (server_name_.empty()) {
    return std::unexpected(
        Error{UsageError::invalid_argument, "the server's name is empty: nothing to verify"});
  }
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl_.get());
  if (const auto literal = Address::parse_host(server_name_, 0)) {
    if (X509_VERIFY_PARAM_set1_ip(param, to_octets(literal->ip()), literal->ip().size()) != 1) {
      return std::unexpected(Error{TransportError::internal_error, "cannot set the IP address"});
    }
    return {};
  }
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (SSL_set_tlsext_host_name(ssl_.get(), server_name_.c_str()) != 1 ||
      X509_VERIFY_PARAM_set1_host(param, server_name_.data(), server_name_.size()) != 1) {
    return std::unexpected(
        Error{UsageError::invalid_argument, "not a host name: " + printable(server_name_)});
  }
  return {};
}

bool Session::allow_early_data(std::string_view context) noexcept {
  SSL_set_early_data_enabled(ssl_.get(), 1);
  return SSL_set_quic_early_data_context(ssl_.get(), to_octets(context), context.size()) == 1;
}

Offer Session::offer(std::string_view ticket) noexcept {
  const std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session{
      SSL_SESSION_from_bytes(to_octets(ticket), ticket.size(), SSL_get_SSL_CTX(ssl_.get())),
      &SSL_SESSION_free};
  if (!session || SSL_set_session(ssl_.get(), session.get()) != 1) return Offer::nothing;
  return SSL_SESSION_early_data_capable(session.get()) == 1 ? Offer::early_data : Offer::session;
}

void Session::send_early_data() noexcept { SSL_set_early_data_enabled(ssl_.get(), 1); }

bool Session::early_data_accepted() const noexcept {
  return SSL_early_data_accepted(ssl_.get()) == 1;
}

std::string Session::trust_id() const {
  return transport_->name + (' ' + detail::impl_of(settings_).trust_id());
}

Result<> Session::check_negotiated() {
  const std::uint8_t* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  alpn_ = as_text(to_bytes(name, size));
  if (alpn_.empty()) {
    return std::unexpected(Error{Error::Domain::tls, no_application_protocol,
                                 "the server chose no application protocol"});
  }
  const auto& ciphers = detail::impl_of(settings_).ciphers;
  const std::uint16_t cipher = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl_.get()));
  if (!ciphers.empty() && std::ranges::find(ciphers, cipher) == ciphers.end()) {
    return std::unexpected(Error{Error::Domain::tls, insufficient_security,
                                 "the negotiated cipher suite is not one of those allowed"});
  }
  return {};
}

TlsInfo Session::info() const {
  const SSL* ssl = ssl_.get();
  if (alpn_.empty()) return {};
  TlsInfo info{
      .version = SSL_get_version(ssl), .alpn = alpn_, .resumed = SSL_session_reused(ssl) == 1};
  info.cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  if (const char* group = SSL_get_curve_name(SSL_get_curve_id(ssl))) {
    info.group = group;
  }
  if (!is_server()) {
    info.server_name = server_name_;
  } else {
    info.server_name = printable(name_sent(ssl));
  }
  const CertificatePtr certificate{SSL_get_peer_certificate(ssl)};
  if (certificate) {
    info.certificate_names = certificate_names(certificate.get());
    info.certificate_issuer = name_text(X509_get_issuer_name(certificate.get()));
    info.certificate_expires = time_text(X509_get0_notAfter(certificate.get()));
    info.certificate_sha256 = fingerprint(certificate.get());
    info.spki_sha256 = base64(spki_digest(certificate.get()));
  }
  return info;
}

}  // namespace quoin::inline v0::tls
