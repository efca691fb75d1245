// SPDX-License-Identifier: MIT
/// Filling packets: asks the application for the next slice while there is room, W4 of the data
/// flow. Packets are built in place, one after the other, as a train for segmentation offload.

#include <algorithm>
#include <array>

#include "quic/connection_impl.hpp"
#include "quic/ngtcp2/key_phase.h"
#include "quic/ngtcp2/reclaimed_datagrams.h"

namespace quoin::inline v0::quic {
namespace {

constexpr std::size_t max_slices = 16;

ngtcp2_ssize write_one(ngtcp2_conn*, ngtcp2_path* path, ngtcp2_pkt_info* info, std::uint8_t* dest,
                       std::size_t size, ngtcp2_tstamp now, void* user_data) {
  return static_cast<Connection::Impl*>(user_data)->write_packet(path, info, dest, size, now);
}

void set_reason(ngtcp2_ccerr& target, const Error& reason, const std::string& text) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(text.data());
  switch (reason.domain()) {
    case Error::Domain::transport:
      ngtcp2_ccerr_set_transport_error(&target, reason.code(), data, text.size());
      return;
    case Error::Domain::tls:
      ngtcp2_ccerr_set_tls_alert(&target, static_cast<std::uint8_t>(reason.code()), data,
                                 text.size());
      return;
    case Error::Domain::application:
    case Error::Domain::http:
      ngtcp2_ccerr_set_application_error(&target, reason.code(), data, text.size());
      return;
    case Error::Domain::system:
    case Error::Domain::local:
    case Error::Domain::usage:
      break;
  }
  ngtcp2_ccerr_set_transport_error(&target, NGTCP2_INTERNAL_ERROR, nullptr, 0);
}

/// The alert that tells the peer why its certificate was refused (RFC 8446 §6.2).
std::optional<std::uint8_t> certificate_alert(const Error& reason) {
  if (reason == Error{LocalError::certificate_expired}) return std::uint8_t{45};
  if (reason == Error{LocalError::certificate_untrusted}) return std::uint8_t{48};
  if (reason == Error{LocalError::certificate_name} ||
      reason == Error{LocalError::certificate_invalid} ||
      reason == Error{LocalError::certificate_pin}) {
    return std::uint8_t{42};
  }
  return std::nullopt;
}

}  // namespace

ngtcp2_ssize Connection::Impl::write_packet(ngtcp2_path* path, ngtcp2_pkt_info* info,
                                            std::uint8_t* dest, std::size_t size,
                                            ngtcp2_tstamp now) {
  if (train_ended) return 0;
  if (mtu.is_limited()) {
    size = std::min(size, mtu.limit());
  }
  has_challenged = false;
  const ngtcp2_ssize written = fill_packet(path, info, dest, size, now);
  if (written > 0) {
    watch_sent(static_cast<std::size_t>(written), last_now);
    // A whole train goes where its first packet goes, and only probes of another path leave the
    // path in use. ngtcp2 would let stream data follow one.
    train_ended = ngtcp2_path_eq(path, ngtcp2_conn_get_path2(conn.get())) == 0;
    watch_overtaking(train_ended, last_now);
  }
  return written;
}

ngtcp2_ssize Connection::Impl::fill_packet(ngtcp2_path* path, ngtcp2_pkt_info* info,
                                           std::uint8_t* dest, std::size_t size,
                                           ngtcp2_tstamp now) {
  if (app_started && !datagrams.empty()) {
    if (const auto done = write_datagram_frame(path, info, dest, size, now)) return *done;
  }
  for (;;) {
    StreamWrite next;
    if (app_started && !close_wanted && ngtcp2_conn_get_max_data_left2(conn.get()) > 0) {
      next = application->next_write();
    }
    std::array<ngtcp2_vec, max_slices> slices;
    const std::size_t count = std::min(next.slices.size(), max_slices);
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) {
      // ngtcp2 takes what it only reads without const.
      slices[i] = {.base = const_cast<std::uint8_t*>(to_octets(next.slices[i])),
                   .len = next.slices[i].size()};
      offered += slices[i].len;
    }
    const bool fin = next.fin && count == next.slices.size();
    std::uint32_t flags = fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0U;
    if (next.id != no_stream) {
      flags |= NGTCP2_WRITE_STREAM_FLAG_MORE;
    }
    ngtcp2_ssize taken = -1;
    const ngtcp2_ssize written =
        ngtcp2_conn_writev_stream(conn.get(), path, info, dest, size, &taken, flags,
                                  static_cast<std::int64_t>(next.id), slices.data(), count, now);
    if (taken >= 0) {
      application->on_written(next.id, static_cast<std::size_t>(taken),
                              fin && static_cast<std::size_t>(taken) == offered);
    }
    switch (written) {
      case NGTCP2_ERR_STREAM_DATA_BLOCKED:
        application->on_blocked(next.id);
        continue;
      case NGTCP2_ERR_STREAM_SHUT_WR:
      case NGTCP2_ERR_STREAM_NOT_FOUND:
        application->on_write_closed(next.id);
        continue;
      case NGTCP2_ERR_WRITE_MORE:
        continue;
      default:
        return written;
    }
  }
}

std::optional<Datagram> Connection::Impl::poll_transmit(std::span<std::byte> buffer,
                                                        std::size_t max_segments, Time now) {
  last_now = now;
  if (state == State::closing) return repeat_close(buffer);
  if (state == State::draining || state == State::closed || held_until()) return std::nullopt;
  const std::size_t packets = overtaking.packets(now);
  if (!close_wanted && packets > 0) {
    tell_dropped();
    carry_out_rest();
    end_stopped_streams();
    const std::uint64_t volume = shared.config.key_update_after;
    if (volume != 0 && bytes_sent + bytes_received - bytes_at_key_update >= volume) {
      (void)update_keys(now);  // too early: try again with the next packet
    }
    const ngtcp2_tstamp timestamp = quic::to_ngtcp2(now);
    PathStorage path;
    ngtcp2_pkt_info info{};
    std::size_t segment = 0;
    train_ended = false;
    // Room for at least one packet, whatever the pacer says (integration rule 5).
    const std::size_t quantum =
        std::max<std::size_t>(ngtcp2_conn_get_send_quantum2(conn.get()),
                              ngtcp2_conn_get_max_tx_udp_payload_size2(conn.get()));
    const bool probing = datagrams.has_unsettled() && quoin_ngtcp2_is_probing(conn.get()) != 0;
    const int confirming = quoin_ngtcp2_begin_key_confirmation(conn.get());
    const ngtcp2_ssize written = ngtcp2_conn_write_aggregate_pkt2(
        conn.get(), path.get(), &info, to_octets(buffer), std::min(buffer.size(), quantum),
        &segment, write_one, std::min(max_segments, packets), timestamp);
    quoin_ngtcp2_end_key_confirmation(conn.get(), confirming);
    if (probing) watch_reclaimed_datagrams();
    watch_path();
    if (written > 0) {
      ngtcp2_conn_update_pkt_tx_time(conn.get(), timestamp);
      const auto size = static_cast<std::size_t>(written);
      bytes_sent += size;
      return Datagram{.path = to_path(*path.get()),
                      .payload = buffer.first(size),
                      .segment_size = size > segment ? segment : 0,
                      .ecn = static_cast<Ecn>(info.ecn & 3U)};
    }
    ngtcp2_conn_update_pkt_tx_time(conn.get(), timestamp);
    if (written < 0 && !close_wanted) {
      handle_read_error(static_cast<int>(written), now);
    }
  }
  return close_wanted ? write_close(buffer, now) : std::nullopt;
}

std::optional<Datagram> Connection::Impl::write_close(std::span<std::byte> buffer, Time now) {
  close_wanted = false;
  const bool is_for_peer = !is_reason_ours && (close_reason.domain() == Error::Domain::transport ||
                                               close_reason.domain() == Error::Domain::tls ||
                                               close_reason.domain() == Error::Domain::application);
  const std::string text{is_for_peer ? close_reason.detail() : std::string_view{}};
  ngtcp2_ccerr_default(&last_error);
  if (const auto alert = certificate_alert(close_reason)) {
    ngtcp2_ccerr_set_tls_alert(&last_error, *alert, nullptr, 0);
  } else {
    set_reason(last_error, close_reason, text);
  }
  PathStorage path;
  ngtcp2_pkt_info info{};
  const ngtcp2_ssize written =
      ngtcp2_conn_write_connection_close(conn.get(), path.get(), &info, to_octets(buffer),
                                         buffer.size(), &last_error, quic::to_ngtcp2(now));
  ngtcp2_ccerr_default(&last_error);
  if (written <= 0) {
    // Nothing can be sent to this peer: no keys, or the threefold limit is reached.
    end(close_reason);
    return std::nullopt;
  }
  const Bytes packet = buffer.first(static_cast<std::size_t>(written));
  close_packet.assign(packet.begin(), packet.end());
  close_path = to_path(*path.get());
  state = State::closing;
  close_deadline = now + 3 * to_duration(ngtcp2_conn_get_pto2(conn.get()));
  report_closed(close_reason);
  return Datagram{.path = close_path,
                  .payload = packet,
                  .segment_size = 0,
                  .ecn = static_cast<Ecn>(info.ecn & 3U)};
}

std::optional<Datagram> Connection::Impl::repeat_close(std::span<std::byte> buffer) {
  if (!close_due || close_budget < close_packet.size() || buffer.size() < close_packet.size()) {
    return std::nullopt;
  }
  close_due = false;
  close_budget -= close_packet.size();
  std::ranges::copy(close_packet, buffer.begin());
  return Datagram{
      .path = close_path, .payload = buffer.first(close_packet.size()), .segment_size = 0};
}

}  // namespace quoin::inline v0::quic
