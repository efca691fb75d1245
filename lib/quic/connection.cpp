// SPDX-License-Identifier: MIT
/// A connection's inputs, commands and life. R4 of the data flow; packet_writer.cpp has the output.

#include <algorithm>
#include <string>

#include "quic/connection_impl.hpp"
#include "quic/ngtcp2/key_phase.h"
#include "quic/ngtcp2/loss_timer.h"
#include "tls/crypto.hpp"

namespace quoin::inline v0::quic {
namespace {

/// ngtcp2 knows the packet numbers it has, so a short list of what cannot be answered with a
/// CONNECTION_CLOSE is enough (integration rule 24).
constexpr std::uint64_t no_application_protocol = 120;  // RFC 7301 §3.2

}  // namespace

void Connection::Impl::handshake_ended() noexcept {
  if (counted_handshake) {
    counted_handshake = false;
    --shared.handshakes;
  }
  stop_waiting();
}

void Connection::Impl::handle_packet(PathStorage& path, Ecn ecn, Bytes packet, Time now) {
  last_now = now;
  bytes_received += packet.size();
  ++packets_received;
  if (state == State::closing) {
    close_budget += 3 * packet.size();
    ++close_triggers;
    // Answer the 1st, 2nd, 4th, 8th ... packet: enough for a peer that missed the first answer,
    // not enough for a loop between two that are closing (RFC 9000 §10.2.1).
    close_due = (close_triggers & (close_triggers - 1)) == 0;
    return;
  }
  if (state == State::draining || state == State::closed) return;
  const ngtcp2_pkt_info info{.ecn = static_cast<std::uint8_t>(ecn)};
  const int result = ngtcp2_conn_read_pkt(conn.get(), path.get(), &info, to_octets(packet),
                                          packet.size(), quic::to_ngtcp2(now));
  if (result != 0 && !close_wanted) {
    handle_read_error(result, now);
  }
  tell_lost();
  if (result == 0 && !close_wanted) {
    end_stopped_streams();
    quoin_ngtcp2_rearm_loss_timer(conn.get(), quic::to_ngtcp2(now));
  }
  watch_flight(now);
}

void Connection::Impl::handle_read_error(int result, Time now) {
  switch (result) {
    case NGTCP2_ERR_DRAINING: {
      const Error reason = was_reset ? Error{LocalError::stateless_reset}
                                     : to_error(*ngtcp2_conn_get_ccerr2(conn.get()), is_http3());
      state = State::draining;
      close_deadline = now + 3 * to_duration(ngtcp2_conn_get_pto2(conn.get()));
      report_closed(reason);
      return;
    }
    case NGTCP2_ERR_DROP_CONN:
      end({LocalError::handshake_timeout, "the first packets could not be read"});
      return;
    case NGTCP2_ERR_RETRY:
      // Only a server that left the decision to ngtcp2 gets here; ours asked for its Retry at
      // the front door.
      end({TransportError::internal_error, "unexpected demand for a Retry"});
      return;
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
      end({LocalError::version_negotiation, "no QUIC version in common with the peer"});
      return;
    case NGTCP2_ERR_CRYPTO:
      close(tls_failure());
      return;
    case NGTCP2_ERR_CALLBACK_FAILURE:
      close({TransportError::internal_error, "a callback failed"});
      return;
    default:
      close({Error::Domain::transport, ngtcp2_err_infer_quic_transport_error_code(result),
             ngtcp2_strerror(result)});
      return;
  }
}

Error Connection::Impl::tls_failure() const {
  if (session.failure()) return *session.failure();
  const std::uint64_t alert = ngtcp2_conn_get_tls_alert2(conn.get());
  std::string detail;
  if (alert == no_application_protocol) {
    detail = server ? "the client offers none of our application protocols"
                    : "the server speaks none of our application protocols";
  }
  return {Error::Domain::tls, alert, std::move(detail)};
}

void Connection::Impl::handle_path_error(const Error& error, Time now) {
  last_now = now;
  // Anybody can forge an ICMP message; before the first authenticated packet there is nothing
  // to lose by believing it (RFC 9000 §14.2.1).
  if (!server && state == State::handshaking && packets_received == 0) {
    end(error);
  }
}

bool Connection::Impl::knows_reset_token(Bytes reset_token) const {
  std::vector<ngtcp2_cid_token2> known(ngtcp2_conn_get_active_dcid3(conn.get(), nullptr));
  known.resize(ngtcp2_conn_get_active_dcid3(conn.get(), known.data()));
  return std::ranges::any_of(known, [&](const ngtcp2_cid_token2& each) {
    return each.token_present != 0 &&
           tls::constant_time_equal(each.token.data, to_octets(reset_token), reset_token.size());
  });
}

void Connection::Impl::handle_timeout(Time now) {
  last_now = now;
  if (state == State::closing || state == State::draining) {
    if (now >= close_deadline) {
      state = State::closed;
    }
    return;
  }
  if (state == State::closed || close_wanted ||
      ngtcp2_conn_get_expiry2(conn.get()) > quic::to_ngtcp2(now)) {
    return;
  }
  switch (const int result = ngtcp2_conn_handle_expiry(conn.get(), quic::to_ngtcp2(now)); result) {
    case 0:
      tell_lost();
      watch_flight(now);
      return;
    case NGTCP2_ERR_IDLE_CLOSE:
      end(!server && packets_received == 0 ? Error{LocalError::no_answer}
                                           : Error{LocalError::idle_timeout});
      return;
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
      if (packets_received == 0) {
        end({LocalError::no_answer});
      } else {
        close({LocalError::handshake_timeout});
      }
      return;
    default:
      handle_read_error(result, now);
      return;
  }
}

Time Connection::Impl::deadline() const noexcept {
  switch (state) {
    case State::closed:
      return last_now;
    case State::closing:
    case State::draining:
      return close_deadline;
    case State::handshaking:
    case State::connected:
      break;
  }
  if (const std::optional<Time> held = held_until()) return *held;
  if (!close_wanted && overtaking.packets(last_now) == 0) return overtaking.next();
  const ngtcp2_tstamp expiry = ngtcp2_conn_get_expiry2(conn.get());
  return expiry >= static_cast<ngtcp2_tstamp>(Time::max().time_since_epoch().count())
             ? Time::max()
             : to_time(expiry);
}

void Connection::Impl::end(const Error& reason) {
  state = State::closed;
  report_closed(reason);
}

void Connection::Impl::report_closed(const Error& reason) {
  handshake_ended();
  if (reported) return;
  reported = true;
  // Our own reason stands, even if it could not be sent yet.
  if (!close_wanted) {
    close_reason = reason;
  }
  shared.mark_ready(id.slot);
  tell_rest();
  application->on_closed(handle, close_reason);
}

void Connection::Impl::handle_handshake_completed() {
  state = State::connected;
  handshake_ended();
  ++shared.handshakes_completed;
  const Time now = to_time(ngtcp2_conn_get_timestamp(conn.get()));
  handshake_time = now - started;
  handshake_confirmed = handshake_confirmed || server;
  if (early && !session.early_data_accepted()) {
    // ngtcp2 reports a refusal only if it had begun to send early data.
    (void)ngtcp2_conn_tls_early_data_rejected(conn.get());
    if (!app_started) {
      app_started = true;
      application->on_started(handle);
    }
  }
  if (const Result<> negotiated = session.check_negotiated(); !negotiated) {
    close(negotiated.error());
  }
  if (server && !close_wanted) {
    tolerate_replacements();
    submit_new_token();
  }
}

void Connection::Impl::submit_new_token() {
  if (shared.config.address_token_lifetime == Duration::zero()) return;
  const ngtcp2_path* path = ngtcp2_conn_get_path2(conn.get());
  const Time now = to_time(ngtcp2_conn_get_timestamp(conn.get()));
  const std::vector<std::uint8_t> given =
      shared.token_keys.address_token(to_path(*path).remote, now);
  if (!given.empty()) {
    // Failure only costs the client a round trip later.
    (void)ngtcp2_conn_submit_new_token(conn.get(), given.data(), given.size());
  }
}

// What follows is Connection itself.

ConnectionKey Connection::id() const noexcept { return impl_->id; }

State Connection::state() const noexcept { return impl_->state; }

bool Connection::is_server() const noexcept { return impl_->server; }

Version Connection::version() const noexcept {
  const std::uint32_t negotiated = ngtcp2_conn_get_negotiated_version2(impl_->conn.get());
  const std::uint32_t version =
      negotiated != 0 ? negotiated : ngtcp2_conn_get_client_chosen_version2(impl_->conn.get());
  return version == NGTCP2_PROTO_VER_V2 ? Version::v2 : Version::v1;
}

Path Connection::path() const { return to_path(*ngtcp2_conn_get_path2(impl_->conn.get())); }

std::string_view Connection::alpn() const noexcept { return impl_->session.alpn(); }

TlsInfo Connection::tls() const { return impl_->session.info(); }

bool Connection::serves(std::string_view name) const { return impl_->session.serves(name); }

Application& Connection::application() noexcept { return *impl_->application; }

const Error& Connection::close_reason() const noexcept { return impl_->close_reason; }

void Connection::fill_random(std::span<std::byte> out) { impl_->shared.random(out); }

Time Connection::now() const noexcept { return impl_->last_now; }

Stats Connection::stats() const {
  ngtcp2_conn_info info{};
  ngtcp2_conn_get_conn_info2(impl_->conn.get(), &info);
  return {
      .smoothed_rtt = to_duration(info.smoothed_rtt),
      .min_rtt = info.min_rtt == UINT64_MAX ? Duration{} : to_duration(info.min_rtt),
      .handshake_time = impl_->handshake_time,
      .congestion_window = info.cwnd,
      .bytes_in_flight = info.bytes_in_flight,
      .bytes_sent = info.bytes_sent,
      .bytes_received = impl_->bytes_received,
      .packets_sent = info.pkt_sent,
      .packets_received = info.pkt_recv,
      .packets_lost = info.pkt_lost,
      .key_updates = impl_->key_updates,
      .udp_payload_size = impl_->udp_payload_size(),
      .mtu_fallbacks = impl_->mtu.fallbacks(),
      .bytes_queued = impl_->application->bytes_queued() + impl_->datagrams.bytes(),
      .datagrams_queued = impl_->datagrams.size(),
      .datagrams_sent = impl_->datagrams.sent,
      .datagrams_acknowledged = impl_->datagrams.acknowledged,
      .datagrams_lost = impl_->datagrams.lost,
      .datagrams_dropped = impl_->datagrams.dropped,
      .datagrams_refused = impl_->datagrams.refused,
  };
}

Result<StreamId> Connection::open_stream(bool bidirectional) {
  if (impl_->state != State::connected && impl_->state != State::handshaking) {
    return std::unexpected(Error{UsageError::closed});
  }
  std::int64_t id = -1;
  const int result = bidirectional ? ngtcp2_conn_open_bidi_stream(impl_->conn.get(), &id, nullptr)
                                   : ngtcp2_conn_open_uni_stream(impl_->conn.get(), &id, nullptr);
  if (result != 0) {
    return std::unexpected(Error{UsageError::limit_reached, "the peer allows no more streams now"});
  }
  return StreamId{id};
}

std::uint64_t Connection::streams_left(bool bidirectional) const noexcept {
  return bidirectional ? ngtcp2_conn_get_streams_bidi_left2(impl_->conn.get())
                       : ngtcp2_conn_get_streams_uni_left2(impl_->conn.get());
}

void Connection::want_write() noexcept { impl_->shared.mark_writable(impl_->id.slot); }

void Connection::want_poll() noexcept { impl_->shared.mark_ready(impl_->id.slot); }

Result<> Connection::update_keys(Time now) {
  if (impl_->state != State::connected) return std::unexpected(Error{UsageError::closed});
  if (!impl_->update_keys(now)) {
    return std::unexpected(Error{UsageError::limit_reached, "it is too early for a key update"});
  }
  want_write();
  return {};
}

bool Connection::Impl::update_keys(Time now) {
  if (quoin_ngtcp2_update_keys(conn.get(), quic::to_ngtcp2(now)) == 0) return false;
  ++key_updates;
  bytes_at_key_update = bytes_sent + bytes_received;
  return true;
}

void Connection::set_keep_alive(Duration silence) noexcept {
  impl_->set_keep_alive(silence);
  want_write();  // so that the endpoint asks for the new deadline
}

void Connection::Impl::set_keep_alive(Duration silence) noexcept {
  ngtcp2_conn_set_keep_alive_timeout(
      conn.get(), silence > Duration::zero() ? quic::to_ngtcp2(silence) : UINT64_MAX);
}

void Connection::close(const Error& reason) { impl_->close(reason); }

void Connection::Impl::close(const Error& reason) {
  if (close_wanted || (state != State::handshaking && state != State::connected)) return;
  close_wanted = true;
  close_reason = reason;
  shared.mark_writable(id.slot);
}

}  // namespace quoin::inline v0::quic
