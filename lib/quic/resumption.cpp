// SPDX-License-Identifier: MIT
/// Session resumption and early data, both roles.

#include "quic/resumption.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace quoin::inline v0::quic {
namespace {

constexpr std::string_view magic = "quoin session 1\n";

void append_field(std::string& out, std::string_view field) {
  for (unsigned shift = 24;; shift -= 8) {
    out += static_cast<char>((field.size() >> shift) & 0xffU);
    if (shift == 0) break;
  }
  out += field;
}

bool take_field(std::string_view& in, std::string& field) {
  constexpr std::size_t length_size = 4;
  if (in.size() < length_size) return false;
  std::size_t size = 0;
  for (const char c : in.substr(0, length_size)) {
    size = size << 8U | static_cast<unsigned char>(c);
  }
  in.remove_prefix(length_size);
  if (size > in.size()) return false;
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
        Error{UsageError::invalid_argument, "this is not a session written by quoin"});
  }
  return made;
}

void Connection::Impl::keep_ticket(std::string ticket) {
  newest_ticket = std::move(ticket);
  shared.mark_ready(id.slot);
  application->on_resumable(handle);
}

bool Connection::Impl::allow_early_data() {
  const Config& config = shared.config;
  std::string context = "quoin 1";
  for (const std::uint64_t value :
       {config.stream_window, config.connection_window, config.max_bidirectional_streams,
        config.max_unidirectional_streams, std::uint64_t{config.max_datagram_frame}}) {
    context += ' ' + std::to_string(value);
  }
  context += ' ' + config.early_data_context;
  return session.allow_early_data(context);
}

std::optional<Resumption> Connection::resumption() const {
  if (impl_->newest_ticket.empty()) return std::nullopt;
  Resumption made;
  ResumptionAccess::server_name(made) = impl_->session.server_name();
  ResumptionAccess::trust(made) = impl_->session.trust_id();
  ResumptionAccess::alpn(made) = impl_->session.alpn();
  ResumptionAccess::tls_session(made) = impl_->newest_ticket;
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
  return !options.resumption.empty() && options.resumption.server_name() == session.server_name() &&
         ResumptionAccess::trust(options.resumption) == session.trust_id();
}

void Connection::Impl::use_resumption(const ConnectOptions& options) {
  const Resumption& known = options.resumption;
  const tls::Offer offered = session.offer(ResumptionAccess::tls_session(known));
  if (offered == tls::Offer::nothing) {
    return;  // unreadable, or of another version of the library: a full handshake
  }
  const std::string& params = ResumptionAccess::transport_parameters(known);
  early = options.early_data && offered == tls::Offer::early_data &&
          ngtcp2_conn_decode_and_set_0rtt_transport_params(conn.get(), to_octets(params),
                                                           params.size()) == 0;
  if (early) {
    session.send_early_data();
  }
}

}  // namespace quoin::inline v0::quic
