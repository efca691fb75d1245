// SPDX-License-Identifier: MIT
/// Two hosts on a simulated network that exchange plain datagrams, and a log of what became of
/// each. No QUIC in here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "io/fakes.hpp"
#include "loop/driver.hpp"

namespace quoin::test {

/// What the tap saw, to compare runs with.
using Trace = std::vector<std::tuple<Time, std::uint64_t, std::string, io::Fate>>;

inline constexpr auto left_ip = "10.0.0.1";
inline constexpr auto right_ip = "10.0.0.2";

/// Two hosts with a socket each.
struct Hosts {
  io::SimulatedNetwork network;
  Trace trace;
  FakeDriver left;
  FakeDriver right;
  Address left_address = address("10.0.0.1:1000");
  Address right_address = address("10.0.0.2:2000");

  explicit Hosts(std::uint64_t seed = 1) : network(seed) {
    network.tap([this](const io::Observation& seen) {
      trace.emplace_back(seen.time, seen.number, as_text(seen.datagram.payload), seen.fate);
    });
    REQUIRE(open_socket(network.host(left_ip), left, left_address) == left_address);
    REQUIRE(open_socket(network.host(right_ip), right, right_address) == right_address);
    network.run_for({});
  }

  [[nodiscard]] io::Link& link() { return network.link(left_ip, right_ip); }

  void send(std::string payload, std::size_t segment_size = 0, Ecn ecn = Ecn::not_ect) {
    send_to(right_address, std::move(payload), segment_size, ecn);
  }

  void send_to(const Address& to, std::string payload, std::size_t segment_size = 0,
               Ecn ecn = Ecn::not_ect) {
    left.outgoing.push_back({.path = {.local = left_address, .remote = to},
                             .payload = std::move(payload),
                             .segment_size = segment_size,
                             .ecn = ecn});
    wake_driver(network.host(left_ip), left);
  }

  [[nodiscard]] bool run_until_received(std::size_t count) {
    return network.run_until([&] { return right.received.size() >= count; },
                             std::chrono::seconds{10});
  }

  [[nodiscard]] std::vector<io::Fate> fates() const {
    std::vector<io::Fate> all;
    for (const auto& seen : trace) {
      all.push_back(std::get<io::Fate>(seen));
    }
    return all;
  }
};

}  // namespace quoin::test
