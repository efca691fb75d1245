// SPDX-License-Identifier: MIT
/// Certificates and signatures from elsewhere: BoringSSL's callbacks that stop a handshake, and the
/// answers that let it go on.
#include "tls/requests.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/bytestring.h>
#include <openssl/ssl.h>

#include "base/access.hpp"
#include "base/octets.hpp"
#include "tls/session.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0::tls {
namespace {

/// A longer signature is a mistake: RSA with 8192 bits makes 1024 bytes.
constexpr std::size_t max_signature = 1024;

/// The offer can be read only here. If malformed, it fails the handshake later.
ssl_select_cert_result_t note_offer(const SSL_CLIENT_HELLO* hello) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (SSL_early_callback_ctx_extension_get(
          hello, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &size) != 1) {
    return ssl_select_cert_success;
  }
  std::vector<std::string>& offered = Session::of(hello->ssl).offered_protocols;
  CBS in;
  CBS list;
  CBS_init(&in, data, size);
  if (CBS_get_u16_length_prefixed(&in, &list) == 1) {
    CBS name;
    while (CBS_len(&list) != 0 && CBS_get_u8_length_prefixed(&list, &name) == 1) {
      offered.emplace_back(reinterpret_cast<const char*>(CBS_data(&name)), CBS_len(&name));
    }
  }
  return ssl_select_cert_success;
}

/// Called again whenever more of the handshake arrives. Once there is a certificate, the connection
/// has another context, which does not ask.
int want_certificate(SSL* ssl, void*) {
  constexpr int failed = 0;
  constexpr int wait = -1;
  Session& session = Session::of(ssl);
  if (session.waits_for() != nullptr) return wait;
  return session.wait_for({.type = TlsRequest::Type::certificate,
                           .id = {},
                           .server_name = lower(name_sent(ssl)),
                           .alpn = std::exchange(session.offered_protocols, {}),
                           .scheme = {},
                           .input = {},
                           .certificate_sha256 = {}})
             ? wait
             : failed;
}

ssl_private_key_result_t want_signature(SSL* ssl, std::uint8_t*, std::size_t*, std::size_t,
                                        std::uint16_t scheme, const std::uint8_t* in,
                                        std::size_t size) {
  const Bytes input = to_bytes(in, size);
  return Session::of(ssl).wait_for({.type = TlsRequest::Type::signature,
                                    .id = {},
                                    .server_name = lower(name_sent(ssl)),
                                    .alpn = {},
                                    .scheme = SignatureScheme{scheme},
                                    .input = {input.begin(), input.end()},
                                    .certificate_sha256 = fingerprint(SSL_get_certificate(ssl))})
             ? ssl_private_key_retry
             : ssl_private_key_failure;
}

/// TLS 1.3 has no use for it.
ssl_private_key_result_t want_decryption(SSL*, std::uint8_t*, std::size_t*, std::size_t,
                                         const std::uint8_t*, std::size_t) {
  return ssl_private_key_failure;
}

ssl_private_key_result_t take_signature(SSL* ssl, std::uint8_t* out, std::size_t* out_size,
                                        std::size_t room) {
  Session& session = Session::of(ssl);
  const std::vector<std::byte> given = std::exchange(session.signature, {});
  if (given.empty()) return ssl_private_key_retry;
  if (given.size() > room) {
    session.fail({Error::Domain::tls, SSL_AD_INTERNAL_ERROR,
                  "the signature is longer than any of this key's"});
    return ssl_private_key_failure;
  }
  std::copy_n(to_octets(given), given.size(), out);
  *out_size = given.size();
  return ssl_private_key_success;
}

constexpr SSL_PRIVATE_KEY_METHOD key_elsewhere{
    .sign = want_signature, .decrypt = want_decryption, .complete = take_signature};

Error invalid(std::string_view detail) { return {UsageError::invalid_argument, detail}; }

}  // namespace

void ask_for_certificates(SSL_CTX* context) {
  SSL_CTX_set_select_certificate_cb(context, note_offer);
  SSL_CTX_set_cert_cb(context, want_certificate, nullptr);
}

void ask_for_signatures(SSL_CTX* context) {
  SSL_CTX_set_private_key_method(context, &key_elsewhere);
}

bool Session::wait_for(TlsRequest request) {
  if (!connection_->begin_wait(request)) return false;
  asked_ = std::move(request);
  return true;
}

TlsRequest Session::take_request() {
  // Moves out what only the owner needs; the rest tells what the handshake waits for.
  TlsRequest request = std::exchange(*asked_, {});
  asked_->type = request.type;
  asked_->id = request.id;
  return request;
}

Result<> Session::give_certificate(const Tls& chosen) {
  if (asked_->type != TlsRequest::Type::certificate) {
    return std::unexpected(invalid("it waits for a signature, not for a certificate"));
  }
  if (!chosen.is_server() || detail::impl_of(chosen).on_demand) {
    return std::unexpected(invalid("give a certificate as a server's Tls that has one"));
  }
  if (!use_host(chosen)) {
    return std::unexpected(
        Error{TransportError::internal_error, "no memory for the certificate's TLS context"});
  }
  return {};
}

Result<> Session::give_signature(Bytes given) {
  if (asked_->type != TlsRequest::Type::signature) {
    return std::unexpected(invalid("it waits for a certificate, not for a signature"));
  }
  if (given.empty() || given.size() > max_signature) {
    return std::unexpected(invalid("a signature has 1 to 1024 bytes"));
  }
  signature.assign(given.begin(), given.end());
  return {};
}

Error Session::refusal(std::string_view why) const {
  const bool certificate = asked_ && asked_->type == TlsRequest::Type::certificate;
  return {
      Error::Domain::tls,
      static_cast<std::uint64_t>(certificate ? SSL_AD_UNRECOGNIZED_NAME : SSL_AD_INTERNAL_ERROR),
      std::string{why}};
}

}  // namespace quoin::inline v0::tls
