// SPDX-License-Identifier: MIT
/// Certificates and signatures that come from elsewhere: BoringSSL's callbacks that stop a
/// handshake, and the endpoint's answers that let it go on.
#include "tls/requests.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <openssl/bytestring.h>
#include <openssl/ssl.h>

#include "quic/connection_impl.hpp"
#include "quic/endpoint/endpoint_impl.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0::quic {
namespace {

Connection::Impl& connection_of(const SSL* ssl) {
  auto* ref = static_cast<ngtcp2_crypto_conn_ref*>(SSL_get_app_data(ssl));
  return *static_cast<Connection::Impl*>(ref->user_data);
}

std::string name_asked_for(const SSL* ssl) {
  const char* const sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  std::string name = sent == nullptr ? "" : sent;
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

/// Only here the offer can be read. What is malformed in it fails the handshake later.
ssl_select_cert_result_t note_offer(const SSL_CLIENT_HELLO* hello) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (SSL_early_callback_ctx_extension_get(
          hello, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &size) != 1) {
    return ssl_select_cert_success;
  }
  std::vector<std::string>& offered = connection_of(hello->ssl).offered_alpn;
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

/// Called again whenever more of the handshake arrives. Once there is a certificate the connection
/// has another context, which does not ask.
int want_certificate(SSL* ssl, void*) {
  constexpr int failed = 0;
  constexpr int wait = -1;
  Connection::Impl& connection = connection_of(ssl);
  if (connection.asked) {
    return wait;
  }
  return connection.ask({.type = TlsRequest::Type::certificate,
                         .id = {},
                         .server_name = name_asked_for(ssl),
                         .alpn = std::exchange(connection.offered_alpn, {}),
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
  return connection_of(ssl).ask({.type = TlsRequest::Type::signature,
                                 .id = {},
                                 .server_name = name_asked_for(ssl),
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
  Connection::Impl& connection = connection_of(ssl);
  const std::vector<std::byte> given = std::exchange(connection.signature, {});
  if (given.empty()) {
    return ssl_private_key_retry;
  }
  if (given.size() > room) {
    connection.tls_error = Error{Error::Domain::tls, SSL_AD_INTERNAL_ERROR,
                                 "the signature is longer than any of this key's"};
    return ssl_private_key_failure;
  }
  std::copy_n(to_octets(given), given.size(), out);
  *out_size = given.size();
  return ssl_private_key_success;
}

constexpr SSL_PRIVATE_KEY_METHOD key_elsewhere{
    .sign = want_signature, .decrypt = want_decryption, .complete = take_signature};

/// The delay that a peer expects of acknowledgements at most (RFC 9000 §18.2, max_ack_delay).
constexpr Duration max_hold = std::chrono::milliseconds{25};

Error stale() {
  return {UsageError::stale_handle, "the handshake does not wait for this any more"};
}

Error invalid(std::string_view detail) { return {UsageError::invalid_argument, detail}; }

}  // namespace

void ask_for_certificates(SSL_CTX* context) {
  SSL_CTX_set_select_certificate_cb(context, note_offer);
  SSL_CTX_set_cert_cb(context, want_certificate, nullptr);
}

void ask_for_signatures(SSL_CTX* context) {
  SSL_CTX_set_private_key_method(context, &key_elsewhere);
}

bool Connection::Impl::ask(TlsRequest request) {
  TlsRequests& all = shared.tls_requests;
  if (all.waiting >= shared.config.max_tls_requests) {
    ++all.refused;
    tls_error = Error{Error::Domain::tls, SSL_AD_INTERNAL_ERROR, "quic::Config::max_tls_requests"};
    return false;
  }
  ++all.waiting;
  request.id = {.connection = id, .number = ++all.made};
  all.unseen.push_back(request.id);
  asked = std::move(request);
  asked_at = last_now;
  return true;
}

void Connection::Impl::stop_asking() noexcept {
  if (!asked) {
    return;
  }
  --shared.tls_requests.waiting;
  std::erase(shared.tls_requests.unseen, asked->id);
  asked.reset();
}

bool Connection::Impl::awaits(const TlsRequestId& request) const noexcept {
  return asked && asked->id == request && state == State::handshaking && !close_wanted;
}

std::optional<Time> Connection::Impl::held_until() const noexcept {
  if (!asked || close_wanted || last_now >= asked_at + max_hold) {
    return std::nullopt;
  }
  return asked_at + max_hold;
}

void Connection::Impl::resume_handshake(Time now) {
  last_now = now;
  stop_asking();
  const int result = ngtcp2_conn_continue_handshake(conn.get(), quic::to_ngtcp2(now));
  if (result != 0 && !close_wanted) {
    handle_read_error(result, now);
  }
  watch_flight(now);
}

Connection::Impl* Endpoint::Impl::find_waiting(const TlsRequestId& request) noexcept {
  if (request.connection.slot >= slots.size()) {
    return nullptr;
  }
  Connection::Impl* const found = slots[request.connection.slot].connection.get();
  return found != nullptr && found->awaits(request) ? found : nullptr;
}

void Endpoint::Impl::resume(Connection::Impl& connection, Time now) {
  connection.resume_handshake(now);
  mark_writable(connection.id.slot);
  if (connection.is_over()) {
    update_timer(connection);
  }
}

std::optional<TlsRequest> Endpoint::poll_tls_request() {
  std::deque<TlsRequestId>& unseen = impl_->tls_requests.unseen;
  while (!unseen.empty()) {
    const TlsRequestId id = unseen.front();
    unseen.pop_front();
    if (Connection::Impl* const connection = impl_->find_waiting(id)) {
      // What is only for the owner goes with it; the rest says what is waited for.
      TlsRequest request = std::exchange(*connection->asked, {});
      connection->asked->type = request.type;
      connection->asked->id = request.id;
      return request;
    }
  }
  return std::nullopt;
}

bool Endpoint::awaits(const TlsRequestId& request) const noexcept {
  return impl_->find_waiting(request) != nullptr;
}

Result<> Endpoint::give_certificate(const TlsRequestId& request, const Tls& tls, Time now) {
  Connection::Impl* const connection = impl_->find_waiting(request);
  if (connection == nullptr) {
    return std::unexpected(stale());
  }
  if (connection->asked->type != TlsRequest::Type::certificate) {
    return std::unexpected(invalid("it waits for a signature, not for a certificate"));
  }
  if (!tls.is_server() || tls.impl().on_demand) {
    return std::unexpected(invalid("a certificate is given as a server's Tls that has one"));
  }
  connection->use_host(tls);
  impl_->resume(*connection, now);
  return {};
}

Result<> Endpoint::give_signature(const TlsRequestId& request, Bytes signature, Time now) {
  Connection::Impl* const connection = impl_->find_waiting(request);
  if (connection == nullptr) {
    return std::unexpected(stale());
  }
  if (connection->asked->type != TlsRequest::Type::signature) {
    return std::unexpected(invalid("it waits for a certificate, not for a signature"));
  }
  if (signature.empty() || signature.size() > max_signature) {
    return std::unexpected(invalid("a signature has 1 to 1024 bytes"));
  }
  connection->signature.assign(signature.begin(), signature.end());
  impl_->resume(*connection, now);
  return {};
}

Result<> Endpoint::refuse(const TlsRequestId& request, std::string_view why) {
  Connection::Impl* const connection = impl_->find_waiting(request);
  if (connection == nullptr) {
    return std::unexpected(stale());
  }
  const bool certificate = connection->asked->type == TlsRequest::Type::certificate;
  ++impl_->tls_requests.refused;
  connection->stop_asking();
  connection->is_reason_ours = true;
  connection->close(
      {Error::Domain::tls,
       static_cast<std::uint64_t>(certificate ? SSL_AD_UNRECOGNIZED_NAME : SSL_AD_INTERNAL_ERROR),
       std::string{why}});
  return {};
}

}  // namespace quoin::inline v0::quic
