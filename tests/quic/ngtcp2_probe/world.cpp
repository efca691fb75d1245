// SPDX-License-Identifier: MIT
/// The virtual time of the probe, and what passes between its two connections.
#include "world.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <stdexcept>
#include <utility>

#include "fake_tls.hpp"
#include "quic/ngtcp2/key_phase.h"
#include "quic/ngtcp2/loss_timer.h"
#include "quic/ngtcp2/settings.h"

namespace quoin::probe {

namespace {

constexpr ngtcp2_duration delay = 10 * NGTCP2_MILLISECONDS;

ngtcp2_settings settings_of(const Options& options, ngtcp2_tstamp now) {
  ngtcp2_settings made;
  ngtcp2_settings_default(&made);
  made.initial_ts = now;
  made.cc_algo = options.congestion_control;
  made.no_pmtud = 1;
  // A server that knows the client's address may send more than the client has.
  made.token = zeros.data();
  made.tokenlen = 1;
  made.token_type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;
  return made;
}

ngtcp2_transport_params parameters() {
  ngtcp2_transport_params made;
  ngtcp2_transport_params_default(&made);
  made.initial_max_data = std::uint64_t{1} << 24U;
  made.initial_max_stream_data_bidi_local = std::uint64_t{1} << 22U;
  made.initial_max_stream_data_bidi_remote = std::uint64_t{1} << 22U;
  made.initial_max_stream_data_uni = std::uint64_t{1} << 22U;
  made.initial_max_streams_bidi = 100;
  made.initial_max_streams_uni = 100;
  made.max_idle_timeout = 60 * NGTCP2_SECONDS;
  made.max_datagram_frame_size = 65535;
  made.active_connection_id_limit = 7;
  return made;
}

/// A path as one side sees it, which must not be moved.
struct Route {
  Route(bool at_server, std::uint16_t client_port) {
    server.sin_family = client.sin_family = AF_INET;
    server.sin_addr.s_addr = htonl(0x0a000001);
    client.sin_addr.s_addr = htonl(0x0a000002);
    server.sin_port = htons(443);
    client.sin_port = htons(client_port);
    path.local.addr = reinterpret_cast<ngtcp2_sockaddr*>(at_server ? &server : &client);
    path.remote.addr = reinterpret_cast<ngtcp2_sockaddr*>(at_server ? &client : &server);
    path.local.addrlen = path.remote.addrlen = sizeof(sockaddr_in);
  }

  sockaddr_in server{};
  sockaddr_in client{};
  ngtcp2_path path{};
};

constexpr std::uint16_t first_port = 4433;

}  // namespace

void expect(bool holds, const std::string& what_broke) {
  if (!holds) throw std::runtime_error(what_broke);
}

std::int64_t End::send(std::size_t size) {
  check(ngtcp2_conn_open_uni_stream(conn, &stream, nullptr), "a new stream");
  left = size;
  is_ending = true;
  return stream;
}

World::World(const Options& options) : options_(options) {
  client.world = server.world = this;
  server.is_server = true;
  is_deaf_server = options.is_unanswered;
  make_client();
  write(client);
  if (options.stops_at_first) {
    run_for(delay);
    is_deaf_client = true;
    return;
  }
  run_for(500 * NGTCP2_MILLISECONDS);
  if (options.is_unanswered) return;
  expect(server.conn != nullptr && ngtcp2_conn_get_handshake_completed(client.conn) != 0 &&
             ngtcp2_conn_get_handshake_completed(server.conn) != 0,
         "two connections shake hands");
}

World::~World() {
  ngtcp2_conn_del(client.conn);
  ngtcp2_conn_del(server.conn);
}

void World::make_client() {
  const ngtcp2_cid own = fresh_cid(8);
  const ngtcp2_cid peer = fresh_cid(18);
  Route route{false, first_port};
  const ngtcp2_callbacks table = callbacks();
  const ngtcp2_settings settings = settings_of(options_, now);
  const ngtcp2_transport_params made = parameters();
  check(ngtcp2_conn_client_new(&client.conn, &peer, &own, &route.path, NGTCP2_PROTO_VER_V1, &table,
                               &settings, &made, nullptr, &client),
        "a client");
}

void World::make_server(const Packet& first) {
  ngtcp2_pkt_hd head;
  check(ngtcp2_accept(&head, first.bytes.data(), first.bytes.size()), "the first packet");
  const ngtcp2_cid own = fresh_cid(8);
  Route route{true, first.client_port};
  const ngtcp2_callbacks table = callbacks();
  const ngtcp2_settings settings = settings_of(options_, now);
  ngtcp2_transport_params made = parameters();
  made.original_dcid = head.dcid;
  made.original_dcid_present = 1;
  check(ngtcp2_conn_server_new(&server.conn, &head.scid, &own, &route.path, head.version, &table,
                               &settings, &made, nullptr, &server),
        "a server");
  if (options_.server_window > 0) {
    quoin_ngtcp2_set_initial_window(server.conn, options_.server_window);
  }
}

void World::deliver(const Packet& packet) {
  if (packet.to_server ? is_deaf_server : is_deaf_client) return;
  if (!packet.to_server && packet.client_port != client_port) return;
  const bool is_first = packet.to_server && server.conn == nullptr;
  if (is_first) make_server(packet);
  End& end = packet.to_server ? server : client;
  // The client does not know what a NAT makes of its port.
  Route route{packet.to_server, packet.to_server ? packet.client_port : first_port};
  const ngtcp2_pkt_info info{};
  check(ngtcp2_conn_read_pkt(end.conn, &route.path, &info, packet.bytes.data(), packet.bytes.size(),
                             now),
        "reading a packet");
  quoin_ngtcp2_rearm_loss_timer(end.conn, now);
  if (is_first && options_.server_begins > 0) server.send(options_.server_begins);
}

void World::transmit(const End& from, const ngtcp2_path& path, std::size_t size) {
  // A short header: its first byte, an ID of eight bytes, the number in up to four.
  if ((buffer_[0] & 0x80U) == 0) last_packet = buffer_[9 + (buffer_[0] & 3U)];
  if (!from.is_server && lose_to_server > 0) {
    --lose_to_server;
    return;
  }
  std::uint16_t port = client_port;
  if (from.is_server) {
    port = ntohs(reinterpret_cast<const sockaddr_in*>(path.remote.addr)->sin_port);
  }
  in_flight_.push_back({.arrival = now + delay,
                        .to_server = !from.is_server,
                        .client_port = port,
                        .bytes = {buffer_.begin(), buffer_.begin() + static_cast<long>(size)}});
}

void World::write(End& end) {
  const int begun = quoin_ngtcp2_begin_key_confirmation(end.conn);
  bool is_blocked = false;
  // What is more is paced.
  const std::size_t burst = ngtcp2_conn_get_send_quantum(end.conn);
  for (std::size_t written = 0; written < burst;) {
    const bool has_data = !is_blocked && (end.left > 0 || end.is_ending);
    const ngtcp2_vec data{.base = const_cast<std::uint8_t*>(zeros.data()),
                          .len = std::min(end.left, zeros.size())};
    const bool is_last = end.is_ending && end.left == data.len;
    ngtcp2_path_storage path;
    ngtcp2_path_storage_zero(&path);
    ngtcp2_pkt_info info{};
    ngtcp2_ssize taken = -1;
    const ngtcp2_ssize size = ngtcp2_conn_writev_stream(
        end.conn, &path.path, &info, buffer_.data(), buffer_.size(), &taken,
        has_data && is_last ? NGTCP2_WRITE_STREAM_FLAG_FIN : NGTCP2_WRITE_STREAM_FLAG_NONE,
        has_data ? end.stream : -1, &data, has_data ? 1 : 0, now);
    if (size == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
      is_blocked = true;
      continue;
    }
    if (size < 0) check(static_cast<int>(size), "writing a packet");
    if (has_data && taken >= 0) {
      end.is_ending = end.is_ending && !(is_last && static_cast<std::size_t>(taken) == end.left);
      end.left -= static_cast<std::size_t>(taken);
    }
    if (size == 0) break;
    written += static_cast<std::size_t>(size);
    transmit(end, path.path, static_cast<std::size_t>(size));
  }
  ngtcp2_conn_update_pkt_tx_time(end.conn, now);
  quoin_ngtcp2_end_key_confirmation(end.conn, begun);
}

void World::write_datagram(End& end, std::uint64_t id) {
  ngtcp2_path_storage path;
  ngtcp2_path_storage_zero(&path);
  ngtcp2_pkt_info info{};
  int accepted = 0;
  ngtcp2_vec data{.base = const_cast<std::uint8_t*>(zeros.data()), .len = 100};
  const ngtcp2_ssize more =
      ngtcp2_conn_writev_datagram(end.conn, &path.path, &info, buffer_.data(), buffer_.size(),
                                  &accepted, NGTCP2_WRITE_DATAGRAM_FLAG_MORE, id, &data, 1, now);
  expect(more == NGTCP2_ERR_WRITE_MORE && accepted != 0,
         "a datagram goes into a packet with others");
  write(end);
}

ngtcp2_duration World::pto(const End& end) const { return ngtcp2_conn_get_pto(end.conn); }

void World::serve(End& end) {
  if (end.conn == nullptr) return;
  if (ngtcp2_conn_get_expiry(end.conn) <= now) {
    check(ngtcp2_conn_handle_expiry(end.conn, now), "a timer");
  }
  write(end);
}

void World::arrive() {
  while (!in_flight_.empty() && in_flight_.front().arrival <= now) {
    const Packet packet = std::move(in_flight_.front());
    in_flight_.pop_front();
    deliver(packet);
  }
}

void World::run_for(ngtcp2_duration span) {
  const ngtcp2_tstamp limit = now + span;
  for (std::size_t step = 0;; ++step) {
    expect(step < 1'000'000, "time goes on");
    arrive();
    serve(client);
    serve(server);
    ngtcp2_tstamp next = limit;
    if (!in_flight_.empty()) next = std::min(next, in_flight_.front().arrival);
    for (const End* end : {&client, &server}) {
      if (end->conn != nullptr) next = std::min(next, ngtcp2_conn_get_expiry(end->conn));
    }
    if (now >= limit) return;
    // A timer of the past has just been served; it must not stop the clock.
    now = std::max(next, now + 1000);
  }
}

}  // namespace quoin::probe
