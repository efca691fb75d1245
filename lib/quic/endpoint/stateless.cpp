// SPDX-License-Identifier: MIT
/// The front door: a server's answers to new clients, without state. Version negotiation, Retry,
/// tokens, refusals and stateless resets.

#include <algorithm>
#include <array>
#include <cstring>

#include <ngtcp2/ngtcp2_crypto.h>

#include "quic/endpoint/endpoint_impl.hpp"

namespace quoin::inline v0::quic {
namespace {

constexpr std::size_t min_initial = 1200;  // RFC 9000 §14.1
constexpr std::size_t max_answers = 1024;

/// Ports of services that a forged datagram could make us flood (integration rule 28).
bool is_reflection_port(std::uint16_t port) noexcept {
  constexpr std::array<std::uint16_t, 5> known{1900, 5353, 11211, 20800, 27015};
  return port < 1024 || std::ranges::find(known, port) != known.end();
}

}  // namespace

std::vector<std::byte>* Endpoint::Impl::begin_answer(const Path& path, std::size_t room, Time now) {
  if (is_reflection_port(path.remote.port()) || answers.size() >= max_answers ||
      !stateless_limit.take(now)) {
    ++counters.stateless_suppressed;
    return nullptr;
  }
  answers.push_back({.path = path, .packet = std::vector<std::byte>(room)});
  return &answers.back().packet;
}

void Endpoint::Impl::send_version_negotiation(const Path& path, Bytes packet,
                                              const ngtcp2_version_cid& decoded, Time now) {
  if (packet.size() < min_initial) {
    ++counters.datagrams_dropped;
    return;
  }
  auto* out = begin_answer(path, 256, now);
  if (out == nullptr) return;
  std::uint8_t unpredictable = 0;
  fill_random(&unpredictable, 1);
  std::vector<std::uint32_t> offered = versions;
  offered.push_back(0x0a0a0a0aU | ((unpredictable & 0xf0U) << 24U));  // RFC 9000 §15, reserved
  const ngtcp2_ssize size = ngtcp2_pkt_write_version_negotiation(
      to_octets(std::span{*out}), out->size(), unpredictable, decoded.scid, decoded.scidlen,
      decoded.dcid, decoded.dcidlen, offered.data(), offered.size());
  if (size <= 0) {
    answers.pop_back();
    return;
  }
  out->resize(static_cast<std::size_t>(size));
  ++counters.version_negotiations_sent;
}

void Endpoint::Impl::handle_stranger(const Path& path, Ecn ecn, Bytes packet,
                                     const ngtcp2_version_cid& decoded, Time now) {
  if (decoded.version == 0) {
    // A short header, or a version negotiation packet, which nobody sends to a server.
    const bool short_header = (std::to_integer<unsigned>(packet[0]) & 0x80U) == 0;
    if (short_header) {
      send_stateless_reset(path, packet, now);
    } else {
      ++counters.datagrams_dropped;
    }
    return;
  }
  if (std::ranges::find(versions, decoded.version) == versions.end()) {
    send_version_negotiation(path, packet, decoded, now);
    return;
  }
  accept_initial(path, ecn, packet, now);
}

bool Endpoint::Impl::needs_retry() const noexcept {
  switch (config.retry) {
    case RetryPolicy::always:
      return true;
    case RetryPolicy::on_load:
      return handshakes >= config.retry_threshold;
    case RetryPolicy::never:
      break;
  }
  return false;
}

bool Endpoint::Impl::check_token(const Path& path, AcceptInfo& info, Time now) {
  switch (token_keys.verify(path.remote, info, config, now)) {
    case TokenKeys::Verdict::retry:
      info.after_retry = true;
      info.address_validated = true;
      return true;
    case TokenKeys::Verdict::address:
      info.address_validated = true;
      return true;
    case TokenKeys::Verdict::none:
      return true;
    case TokenKeys::Verdict::bad_retry:
      break;
  }
  // RFC 9000 §8.1.3: the client answers a Retry with a token that is not good for it.
  ++counters.tokens_refused;
  send_refusal(path, info.header, TransportError::invalid_token, now);
  return false;
}

void Endpoint::Impl::accept_initial(const Path& path, Ecn ecn, Bytes packet, Time now) {
  AcceptInfo info{};
  if (packet.size() < min_initial || is_reflection_port(path.remote.port()) ||
      ngtcp2_accept(&info.header, to_octets(packet), packet.size()) != 0) {
    ++counters.datagrams_dropped;
    return;
  }
  info.original_dcid = info.header.dcid;
  if (!check_token(path, info, now)) return;
  if (!accepting || connection_count >= config.max_connections ||
      handshakes >= config.max_handshakes) {
    ++counters.connections_refused;
    send_refusal(path, info.header, TransportError::connection_refused, now);
    return;
  }
  if (!info.address_validated && needs_retry()) {
    send_retry(path, info.header, packet.size(), now);
    return;
  }
  Connection::Impl& connection = add_connection(true);
  if (!connection.start_server(path, info, now)) {
    remove_connection(connection.id.slot);
    ++counters.datagrams_dropped;
    return;
  }
  connection.application = acceptor(connection.handle);
  ++counters.connections_accepted;
  PathStorage storage{path};
  connection.handle_packet(storage, ecn, packet, now);
  mark_writable(connection.id.slot);
  update_timer(connection);
}

void Endpoint::Impl::send_retry(const Path& path, const ngtcp2_pkt_hd& header, std::size_t received,
                                Time now) {
  // First check whether one more is allowed: in a flood the rest is the costly part.
  auto* out = begin_answer(path, std::min<std::size_t>(received * 3, 512), now);
  if (out == nullptr) return;
  const auto scid = new_cid();
  const std::vector<std::uint8_t> token =
      scid ? token_keys.retry_token(path.remote, header, *scid, now) : std::vector<std::uint8_t>{};
  if (token.empty()) {
    answers.pop_back();
    return;
  }
  const ngtcp2_ssize size =
      ngtcp2_crypto_write_retry(to_octets(std::span{*out}), out->size(), header.version,
                                &header.scid, &*scid, &header.dcid, token.data(), token.size());
  if (size <= 0) {
    answers.pop_back();
    return;
  }
  out->resize(static_cast<std::size_t>(size));
  ++counters.retries_sent;
}

void Endpoint::Impl::send_refusal(const Path& path, const ngtcp2_pkt_hd& header,
                                  TransportError code, Time now) {
  auto* out = begin_answer(path, min_initial, now);
  if (out == nullptr) return;
  const ngtcp2_ssize size = ngtcp2_crypto_write_connection_close(
      to_octets(std::span{*out}), out->size(), header.version, &header.scid, &header.dcid,
      static_cast<std::uint64_t>(code), nullptr, 0);
  if (size <= 0) {
    answers.pop_back();
    return;
  }
  out->resize(static_cast<std::size_t>(size));
}

void Endpoint::Impl::send_stateless_reset(const Path& path, Bytes packet, Time now) {
  // Smaller than what caused it, so that two endpoints cannot keep each other busy forever
  // (RFC 9000 §10.3.3).
  constexpr std::size_t min_reset =
      NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN;
  if (packet.size() < cid_size + 22 || packet.size() <= min_reset) {
    ++counters.datagrams_dropped;
    return;
  }
  ngtcp2_cid cid{};
  ngtcp2_cid_init(&cid, to_octets(packet) + 1, cid_size);
  ngtcp2_stateless_reset_token token{};
  if (!own_reset_tokens.make(cid, token.data)) return;
  auto* out = begin_answer(path, std::min<std::size_t>(packet.size() - 1, 43), now);
  if (out == nullptr) return;
  std::array<std::uint8_t, 64> unpredictable{};
  const std::size_t random_size = out->size() - NGTCP2_STATELESS_RESET_TOKENLEN;
  fill_random(unpredictable.data(), random_size);
  const ngtcp2_ssize size = ngtcp2_pkt_write_stateless_reset2(
      to_octets(std::span{*out}), out->size(), &token, unpredictable.data(), random_size);
  if (size <= 0) {
    answers.pop_back();
    return;
  }
  out->resize(static_cast<std::size_t>(size));
  ++counters.stateless_resets_sent;
}

}  // namespace quoin::inline v0::quic
