// SPDX-License-Identifier: MIT
/// Endpoints of the HTTP/3 facade: their settings, their sessions, their end.
#include "http/endpoint.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quoin/connection_info.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>

namespace quoin::inline v0 {

void complete_for_http3(quic::Config& config, h3::Config& h3) {
  if (config.alpn.empty()) config.alpn.emplace_back("h3");
  h3.max_requests = config.max_bidirectional_streams;
  constexpr std::size_t any_size = 65535;
  if (h3.datagrams && config.max_datagram_frame == 0) config.max_datagram_frame = any_size;
  // Early data rely on the settings of before (RFC 9114 §7.2.4.2).
  config.early_data_context += " h3 " + std::to_string(h3.max_field_section) + ' ' +
                               std::to_string(h3.qpack_static_only ? 0 : h3.qpack_capacity) + ' ' +
                               (h3.datagrams ? "datagrams " : "") +
                               std::to_string(h3.qpack_blocked_streams);
}

quic::RandomSource random_of(Loop& loop) {
  return [&backend = loop.backend()](std::span<std::byte> out) { backend.fill_random(out); };
}

h3::Session* session_of(quic::Endpoint& endpoint, quic::ConnectionKey id) noexcept {
  quic::Connection* const connection = endpoint.find(id);
  return connection == nullptr ? nullptr : static_cast<h3::Session*>(&connection->application());
}

ConnectionInfo describe(const quic::Connection& connection, std::uint64_t number,
                        std::string host) {
  return {.number = number,
          .host = std::move(host),
          .path = connection.path(),
          .tls = connection.tls(),
          .stats = connection.stats(),
          .reason = connection.close_reason()};
}

void say_goodbye(quic::Endpoint& endpoint, Loop& loop) {
  endpoint.for_each(
      [](quic::Connection& connection) { connection.close(Error{HttpError::no_error}); });
  // Bounded, because a backend that takes no more now will not take more for us.
  constexpr std::size_t most = 10'000;
  constexpr std::size_t largest_train = 65536;
  std::vector<std::byte> buffer(largest_train);
  io::Backend& backend = loop.backend();
  for (std::size_t i = 0; i < most; ++i) {
    const auto datagram = endpoint.poll_transmit(buffer, 1, loop.now());
    if (!datagram || backend.send(std::span{&*datagram, 1}) == 0) return;
  }
}

}  // namespace quoin::inline v0
