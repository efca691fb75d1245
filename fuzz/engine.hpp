// SPDX-License-Identifier: MIT
/// What the targets that feed an endpoint share: its settings, a reproducible source of randomness,
/// and driving it until it is quiet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/time.hpp>

namespace quoin::fuzz {

inline quic::Config engine_config() {
  quic::Config config;
  config.alpn = {"fuzz"};
  config.secret = std::string(32, 's');
  config.max_datagram_frame = 1200;
  return config;
}

inline quic::RandomSource engine_random() {
  return [generator = std::mt19937_64{1}](std::span<std::byte> out) mutable {
    for (std::byte& b : out) b = static_cast<std::byte>(generator());
  };
}

inline std::unique_ptr<quic::Application> make_streams(quic::Connection& connection) {
  return std::make_unique<quic::Streams>(connection);
}

inline Path engine_path(bool of_server) {
  static const Address server = Address::parse("192.0.2.1:4433").value();
  static const Address client = Address::parse("192.0.2.2:50000").value();
  return of_server ? Path{.local = server, .remote = client}
                   : Path{.local = client, .remote = server};
}

/// Lets the endpoint do what it wants to do at `now` and returns how many bytes it sent.
inline std::size_t drive(quic::Endpoint& endpoint, Time now) {
  static std::vector<std::byte> buffer(65536);
  if (const auto due = endpoint.poll_timeout(); due && *due <= now) endpoint.handle_timeout(now);
  while (const auto id = endpoint.poll_ready()) {
    auto& streams = static_cast<quic::Streams&>(endpoint.find(*id)->application());
    while (const auto event = streams.poll_event()) {
      if (event->type != quic::StreamEvent::Type::data) continue;
      streams.consume(event->stream, streams.read(event->stream).data.size());
    }
  }
  std::size_t sent = 0;
  while (const auto datagram = endpoint.poll_transmit(buffer, 1, now)) {
    sent += datagram->payload.size();
  }
  return sent;
}

}  // namespace quoin::fuzz
