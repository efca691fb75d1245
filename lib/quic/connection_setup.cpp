// SPDX-License-Identifier: MIT
/// Making the ngtcp2 and TLS objects of a connection from the endpoint's settings.

#include <algorithm>
#include <string>

#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_boringssl.h>

#include "base/access.hpp"
#include "quic/connection_impl.hpp"
#include "quic/ngtcp2/settings.h"
#include "quic/resumption.hpp"

namespace quoin::inline v0::quic {
namespace {

ngtcp2_conn* get_conn(ngtcp2_crypto_conn_ref* ref) {
  return static_cast<Connection::Impl*>(ref->user_data)->conn.get();
}

void write_qlog(void* user_data, std::uint32_t flags, const void* data, std::size_t size) {
  static_cast<Connection::Impl*>(user_data)->qlog.write(data, size,
                                                        (flags & NGTCP2_QLOG_WRITE_FLAG_FIN) != 0);
}

ngtcp2_cc_algo to_ngtcp2(CongestionControl control) noexcept {
  switch (control) {
    case CongestionControl::reno:
      return NGTCP2_CC_ALGO_RENO;
    case CongestionControl::bbr:
      return NGTCP2_CC_ALGO_BBR;
    case CongestionControl::cubic:
      break;
  }
  return NGTCP2_CC_ALGO_CUBIC;
}

Error ngtcp2_failure(int result) {
  return {TransportError::internal_error, ngtcp2_strerror(result)};
}

Error repeated_cid() {
  return {UsageError::limit_reached,
          "quic::Config::connection_ids keeps making IDs that are in use"};
}

}  // namespace

std::optional<ngtcp2_cid> Shared::new_cid() {
  // Chance may repeat an ID of 6 bytes now and then, but never this often.
  constexpr int attempts = 8;
  for (int i = 0; i < attempts; ++i) {
    ngtcp2_cid cid{};
    cid.datalen = cid_size;
    fill_random(cid.data, cid_size);
    if (config.connection_ids) {
      config.connection_ids->generate({reinterpret_cast<std::byte*>(cid.data), cid_size});
    }
    if (!knows_cid(cid)) return cid;
    ++cid_repeats;
  }
  return std::nullopt;
}

const tls::Transport& transport() noexcept {
  static constexpr tls::Transport quic{
      .name = "quic", .set_up = [](ssl_ctx_st* context, bool is_server) {
        return (is_server ? ngtcp2_crypto_boringssl_configure_server_context(context)
                          : ngtcp2_crypto_boringssl_configure_client_context(context)) == 0;
      }};
  return quic;
}

Connection::Impl::Impl(Shared& endpoint, ConnectionKey own_id, bool is_server)
    : shared(endpoint), id(own_id), server(is_server), session(endpoint.tls, *this) {
  ngtcp2_ccerr_default(&last_error);
}

Connection::Impl::~Impl() { handshake_ended(); }

void Connection::Impl::fill_settings(ngtcp2_settings& settings, Time now, const ngtcp2_cid& odcid) {
  const Config& config = shared.config;
  ngtcp2_settings_default(&settings);
  settings.initial_ts = quic::to_ngtcp2(now);
  settings.cc_algo = to_ngtcp2(config.congestion_control);
  settings.initial_rtt = quic::to_ngtcp2(config.initial_rtt);
  settings.handshake_timeout = quic::to_ngtcp2(config.handshake_timeout);
  settings.max_window = config.max_connection_window;
  settings.max_stream_window = config.max_stream_window;
  settings.max_tx_udp_payload_size = config.max_udp_payload;
  settings.rand_ctx.native_handle = &shared;
  settings.no_pmtud = config.probe_path_mtu && !shared.capabilities.may_fragment ? 0 : 1;
  settings.preferred_versions = shared.versions.data();
  settings.preferred_versionslen = shared.versions.size();
  settings.available_versions = shared.versions.data();
  settings.available_versionslen = shared.versions.size();
  settings.pmtud_probes = mtu_ladder.data();
  settings.pmtud_probeslen = mtu_ladder.size();
  if (!config.qlog_directory.empty() &&
      qlog.open(config.qlog_directory.native(),
                to_hex({odcid.data, odcid.datalen}) + (server ? "_server" : "_client"))) {
    settings.qlog_write = write_qlog;
  }
}

void Connection::Impl::fill_params(ngtcp2_transport_params& params) const {
  const Config& config = shared.config;
  ngtcp2_transport_params_default(&params);
  params.initial_max_stream_data_bidi_local = config.stream_window;
  params.initial_max_stream_data_bidi_remote = config.stream_window;
  params.initial_max_stream_data_uni = config.stream_window;
  params.initial_max_data = config.connection_window;
  params.initial_max_streams_bidi = config.max_bidirectional_streams;
  params.initial_max_streams_uni = config.max_unidirectional_streams;
  params.max_idle_timeout = quic::to_ngtcp2(config.max_idle_timeout);
  params.max_datagram_frame_size = config.max_datagram_frame;
  params.active_connection_id_limit = announced_cids;
  params.grease_quic_bit = 1;
  params.disable_active_migration = server && config.disable_active_migration ? 1 : 0;
}

const std::vector<std::string>& Connection::Impl::protocols() const noexcept {
  return shared.config.alpn;
}

bool Connection::Impl::takes_early_data() const noexcept { return shared.config.early_data; }

Result<> Connection::Impl::start_tls(std::string_view server_name) {
  if (const Result<> begun = server
                                 ? session.start_server(transport())
                                 : session.start_client(transport(), server_name, shared.alpn_wire);
      !begun) {
    return begun;
  }
  conn_ref = {.get_conn = get_conn, .user_data = this};
  session.set_app_data(&conn_ref);
  if (server && shared.config.early_data && !allow_early_data()) {
    return std::unexpected(Error{TransportError::internal_error, "cannot allow early data"});
  }
  return {};
}

void Connection::Impl::begin_handshake(ngtcp2_conn* made) {
  conn.reset(made);
  if (shared.config.initial_window != 0) {
    quoin_ngtcp2_set_initial_window(made, shared.config.initial_window);
  }
  ngtcp2_conn_set_tls_native_handle(made, session.native_handle());
  set_keep_alive(shared.config.keep_alive);
  ++shared.handshakes;
  counted_handshake = true;
}

Result<> Connection::Impl::start_client(const Path& path, std::string_view name, Time now,
                                        const ConnectOptions& options) {
  started = last_now = now;
  if (auto made = start_tls(name); !made) return made;
  const auto made_cid = shared.new_cid();
  if (!made_cid) return std::unexpected(repeated_cid());
  const ngtcp2_cid scid = *made_cid;
  shared.add_cid(scid, id.slot);
  ngtcp2_cid dcid{};
  dcid.datalen = 16;  // at least 8, chosen at random (RFC 9000 §7.2)
  shared.fill_random(dcid.data, dcid.datalen);

  ngtcp2_settings settings;
  fill_settings(settings, now, dcid);
  const bool resumable = can_resume(options);
  if (resumable) {
    const std::string& known = ResumptionAccess::token(options.resumption);
    settings.token = reinterpret_cast<const std::uint8_t*>(known.data());
    settings.tokenlen = known.size();
    settings.token_type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;
  }
  ngtcp2_transport_params params;
  fill_params(params);
  const ngtcp2_callbacks callbacks = make_callbacks(false);
  PathStorage storage{path};
  ngtcp2_conn* made = nullptr;
  if (const int result =
          ngtcp2_conn_client_new(&made, &dcid, &scid, storage.get(), shared.versions.front(),
                                 &callbacks, &settings, &params, nullptr, this);
      result != 0) {
    return std::unexpected(ngtcp2_failure(result));
  }
  begin_handshake(made);
  if (resumable) {
    use_resumption(options);
  }
  return {};
}

Result<> Connection::Impl::start_server(const Path& path, const AcceptInfo& accepted, Time now) {
  started = last_now = now;
  if (auto made = start_tls({}); !made) return made;
  const auto made_cid = shared.new_cid();
  if (!made_cid) return std::unexpected(repeated_cid());
  const ngtcp2_cid scid = *made_cid;
  shared.add_cid(scid, id.slot);
  ngtcp2_settings settings;
  fill_settings(settings, now, accepted.original_dcid);
  settings.token = accepted.header.token;
  settings.tokenlen = accepted.address_validated ? accepted.header.tokenlen : 0;
  settings.token_type =
      accepted.after_retry ? NGTCP2_TOKEN_TYPE_RETRY : NGTCP2_TOKEN_TYPE_NEW_TOKEN;
  ngtcp2_transport_params params;
  fill_params(params);
  params.original_dcid = accepted.original_dcid;
  params.original_dcid_present = 1;
  if (accepted.after_retry) {
    params.retry_scid = accepted.header.dcid;
    params.retry_scid_present = 1;
  }
  if (!shared.own_reset_tokens.make(scid, params.stateless_reset_token)) {
    return std::unexpected(Error{TransportError::internal_error, "no stateless reset token"});
  }
  params.stateless_reset_token_present = 1;
  if (!offer_preferred_address(params)) {
    return std::unexpected(Error{TransportError::internal_error, "no preferred address"});
  }

  const ngtcp2_callbacks callbacks = make_callbacks(true);
  PathStorage storage{path};
  ngtcp2_conn* made = nullptr;
  if (const int result = ngtcp2_conn_server_new(&made, &accepted.header.scid, &scid, storage.get(),
                                                accepted.header.version, &callbacks, &settings,
                                                &params, nullptr, this);
      result != 0) {
    return std::unexpected(ngtcp2_failure(result));
  }
  begin_handshake(made);
  shared.add_cid(accepted.header.dcid, id.slot);
  return {};
}

}  // namespace quoin::inline v0::quic
