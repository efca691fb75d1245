// SPDX-License-Identifier: MIT
/// Datagrams from an impostor to a client that has just sent its first flight: as they are, or as
/// frames in an Initial packet of the server. The input is as that of server_datagram.cpp.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/tls.hpp>

#include "engine.hpp"
#include "initial_packet.hpp"
#include "input.hpp"

using namespace quoin;

namespace {

/// How a server would answer the first datagram of a client.
fuzz::InitialRoute route_back(Bytes initial) {
  const std::string_view text = as_text(initial);
  const auto key_size = static_cast<unsigned char>(text.at(5));
  const auto own_size = static_cast<unsigned char>(text.at(6 + key_size));
  return {.key_cid = std::string{text.substr(6, key_size)},
          .destination = std::string{text.substr(7 + key_size, own_size)},
          .source = "impostor",
          .from_client = false};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Tls tls = Tls::insecure_client();
  static std::vector<std::byte> buffer(65536);
  auto endpoint = quic::Endpoint::create(fuzz::engine_config(), tls, fuzz::engine_random()).value();
  Time now{std::chrono::seconds{1}};
  const Path path = fuzz::engine_path(false);
  (void)endpoint.connect(path, "localhost", fuzz::make_streams, now).value();
  const auto first = endpoint.poll_transmit(buffer, 1, now);
  const fuzz::InitialRoute route = route_back(first.value().payload);
  fuzz::Input input{data, size};
  std::uint8_t number = 0;
  while (!input.empty() && number < 32) {
    const std::uint8_t kind = input.number();
    const Bytes chunk = input.chunk();
    std::string packet =
        (kind & 1U) != 0 ? fuzz::make_initial(route, number, chunk) : std::string{as_text(chunk)};
    // So that version negotiation, Retry and the like get past the look at the connection ID.
    if ((kind & 2U) != 0 && packet.size() > 6 + route.destination.size()) {
      packet[5] = static_cast<char>(route.destination.size());
      packet.replace(6, route.destination.size(), route.destination);
    }
    ++number;
    endpoint.handle_datagram({.path = path, .payload = as_bytes(packet)}, now);
    (void)fuzz::drive(endpoint, now);
    now += std::chrono::milliseconds{1};
  }
  for (int i = 0; i < 100; ++i) {
    (void)fuzz::drive(endpoint, now);
    now += std::chrono::milliseconds{200};
  }
  return 0;
}
