// SPDX-License-Identifier: MIT
/// Endpoints of the HTTP/3 facade: their settings and their sessions.
#include "http/endpoint.hpp"

#include <cstddef>
#include <string>
#include <utility>

#include <quoin/connection_info.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>

#include "http/connection_number.hpp"

namespace quoin::inline v0 {

void complete_for_http3(quic::Config& config, h3::Config& h3) {
  if (config.alpn.empty()) config.alpn.emplace_back("h3");
  h3.max_requests = config.max_bidirectional_streams;
  constexpr std::size_t any_size = 65535;
  if (h3.datagrams && config.max_datagram_frame == 0) config.max_datagram_frame = any_size;
  // Early data relies on the earlier settings (RFC 9114 §7.2.4.2).
  config.early_data_context += " h3 " + std::to_string(h3.max_field_section) + ' ' +
                               std::to_string(h3.qpack_static_only ? 0 : h3.qpack_capacity) + ' ' +
                               (h3.datagrams ? "datagrams " : "") +
                               std::to_string(h3.qpack_blocked_streams);
}

h3::Session* session_of(quic::Endpoint& endpoint, quic::ConnectionKey key) noexcept {
  quic::Connection* const connection = endpoint.find(key);
  return connection == nullptr ? nullptr : static_cast<h3::Session*>(&connection->application());
}

ConnectionInfo describe(const quic::Connection& connection, ConnectionNumber number,
                        std::string host) {
  return {.number = std::to_underlying(number),
          .host = std::move(host),
          .path = connection.path(),
          .tls = connection.tls(),
          .stats = connection.stats(),
          .reason = connection.close_reason()};
}

}  // namespace quoin::inline v0
