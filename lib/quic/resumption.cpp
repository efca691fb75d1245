// SPDX-License-Identifier: MIT
/// Session resumption and early data, both roles.

#include "quic/resumption.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "quic/endpoint/derived_key.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0::quic {
namespace {

constexpr std::string_view magic = "quoin session 1\n";

void append_field(std::string& out, std::string_view field) {
  for (unsigned shift = 24;; shift -= 8) {
    out += static_cast<char>((field.size() >> shift) & 0xffU);
    if (shift == 0) {
      break;
    }
  }
  out += field;
}

bool take_field(std::string_view& in, std::string& field) {
  constexpr std::size_t length_size = 4;
  if (in.size() < length_size) {
    return false;
  }
  std::size_t size = 0;
  for (const char c : in.substr(0, length_size)) {
    size = size << 8U | static_cast<unsigned char>(c);
  }
  in.remove_prefix(length_size);
  if (size > in.size()) {
    return false;
  }
  field = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

}  // namespace

std::string Resumption::serialize() const {
  std::string out{magic};
  for (const std::string* field : {&server_name_, &trust_, &alpn_, &tls_session_,
                                   &transport_parameters_, &token_, &application_data_}) {
    append_field(out, *field);
  }
  return out;
}

Result<Resumption> Resumption::parse(Bytes data) {
  std::string_view in = as_text(data);
  Resumption made;
  bool good = in.starts_with(magic);
  in.remove_prefix(good ? magic.size() : in.size());
  for (std::string* field : {&made.server_name_, &made.trust_, &made.alpn_, &made.tls_session_,
                             &made.transport_parameters_, &made.token_, &made.application_data_}) {
    good = good && take_field(in, *field);
  }
  if (!good || !in.empty()) {
    return std::unexpected(
        Error{UsageError::invalid_argument, "this is not a session that quoin has written"});
  }
  return made;
}

int keep_ticket(SSL* ssl, SSL_SESSION* session) {
  auto* ref = static_cast<ngtcp2_crypto_conn_ref*>(SSL_get_app_data(ssl));
  if (ref == nullptr) {
    return 0;
  }
  auto& connection = *static_cast<Connection::Impl*>(ref->user_data);
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (SSL_SESSION_to_bytes(session, &data, &size) == 1) {
    connection.ticket.assign(reinterpret_cast<const char*>(data), size);
    OPENSSL_free(data);
    connection.shared.mark_ready(connection.id.slot);
    connection.application->on_resumable(connection.handle);
  }
  return 0;  // the session stays with the library, which frees it
}

bool allow_early_data(SSL* ssl, const Config& config) {
  std::string context = "quoin 1";
  for (const std::uint64_t value :
       {config.stream_window, config.connection_window, config.max_bidirectional_streams,
        config.max_unidirectional_streams, std::uint64_t{config.max_datagram_frame}}) {
    context += ' ' + std::to_string(value);
  }
  context += ' ' + config.early_data_context;
  SSL_set_early_data_enabled(ssl, 1);
  return SSL_set_quic_early_data_context(ssl, reinterpret_cast<const std::uint8_t*>(context.data()),
                                         context.size()) == 1;
}

void share_ticket_keys(const Tls& server, const std::string& secret) {
  SSL_CTX* const context = server.impl().context.get();
  std::array<std::uint8_t, 48> keys{};
  if (!derive_key(keys, secret, "quoin session tickets")) {
    return;
  }
  // Setting them takes no lock, and another thread may be in a handshake with this context.
  std::array<std::uint8_t, keys.size()> present{};
  if (SSL_CTX_get_tlsext_ticket_keys(context, present.data(), present.size()) != 1 ||
      present != keys) {
    SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), keys.size());
  }
}

std::optional<Resumption> Connection::resumption() const {
  if (impl_->ticket.empty()) {
    return std::nullopt;
  }
  Resumption made;
  ResumptionAccess::server_name(made) = impl_->server_name;
  ResumptionAccess::trust(made) = impl_->tls.impl().trust_id();
  ResumptionAccess::alpn(made) = impl_->alpn;
  ResumptionAccess::tls_session(made) = impl_->ticket;
  ResumptionAccess::token(made) = impl_->token;
  std::array<std::uint8_t, 256> params{};
  const ngtcp2_ssize size =
      ngtcp2_conn_encode_0rtt_transport_params2(impl_->conn.get(), params.data(), params.size());
  if (size > 0) {
    ResumptionAccess::transport_parameters(made) =
        as_text(to_bytes(params.data(), static_cast<std::size_t>(size)));
  }
  return made;
}

bool Connection::is_early() const noexcept {
  return impl_->state == State::handshaking && (impl_->server || impl_->early);
}

bool Connection::Impl::can_resume(const ConnectOptions& options) const {
  return !options.resumption.empty() && options.resumption.server_name() == server_name &&
         ResumptionAccess::trust(options.resumption) == tls.impl().trust_id();
}

void Connection::Impl::use_resumption(const ConnectOptions& options) {
  const Resumption& known = options.resumption;
  const std::string& data = ResumptionAccess::tls_session(known);
  const std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session{
      SSL_SESSION_from_bytes(reinterpret_cast<const std::uint8_t*>(data.data()), data.size(),
                             tls.impl().context.get()),
      &SSL_SESSION_free};
  if (!session || SSL_set_session(ssl.get(), session.get()) != 1) {
    return;  // unreadable, or of another version of the library: a full handshake
  }
  const std::string& params = ResumptionAccess::transport_parameters(known);
  early = options.early_data && SSL_SESSION_early_data_capable(session.get()) == 1 &&
          ngtcp2_conn_decode_and_set_0rtt_transport_params(
              conn.get(), reinterpret_cast<const std::uint8_t*>(params.data()), params.size()) == 0;
  if (early) {
    SSL_set_early_data_enabled(ssl.get(), 1);
  }
}

}  // namespace quoin::inline v0::quic
