// SPDX-License-Identifier: MIT
/// Datagrams from a stranger to a server: as they are, or as frames in an Initial packet. The
/// input is a list of {kind, length in two bytes, bytes}; odd kinds are wrapped.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <quoin/bytes.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/tls.hpp>

#include "engine.hpp"
#include "initial_packet.hpp"
#include "input.hpp"

using namespace quoin;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Tls tls = Tls::self_signed().value();
  auto endpoint =
      quic::Endpoint::create(fuzz::engine_config(), tls, fuzz::engine_random(), fuzz::make_streams)
          .value();
  const fuzz::InitialRoute route{
      .key_cid = "destinat", .destination = "destinat", .source = "source", .from_client = true};
  fuzz::Input input{data, size};
  Time now{std::chrono::seconds{1}};
  std::uint8_t number = 0;
  std::size_t received = 0;
  std::size_t sent = 0;
  while (!input.empty() && number < 32) {
    const bool wrapped = (input.number() & 1U) != 0;
    const Bytes chunk = input.chunk();
    const std::string packet =
        wrapped ? fuzz::make_initial(route, number, chunk) : std::string{as_text(chunk)};
    ++number;
    received += packet.size();
    endpoint.handle_datagram({.path = fuzz::engine_path(true), .payload = as_bytes(packet)}, now);
    sent += fuzz::drive(endpoint, now);
    now += std::chrono::milliseconds{1};
  }
  for (int i = 0; i < 100; ++i) {
    sent += fuzz::drive(endpoint, now);
    now += std::chrono::milliseconds{200};
  }
  // Nobody here can finish a handshake, so no address is ever validated (RFC 9000 §8.1).
  if (sent > 3 * received) std::abort();
  return 0;
}
