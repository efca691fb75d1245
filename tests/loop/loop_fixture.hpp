// SPDX-License-Identifier: MIT
/// What the tests of the loop start from.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/loop.hpp>

#include "io/fakes.hpp"
#include "loop/driver.hpp"

namespace quoin::test {

/// A loop on a FakeBackend, with one driver that has a socket.
struct Fixture {
  FakeBackend* backend = nullptr;
  std::unique_ptr<Loop> loop;
  FakeDriver driver;
  Address local = address("192.0.2.1:443");
  Address remote = address("198.51.100.7:5000");

  Fixture() {
    auto fake = std::make_unique<FakeBackend>();
    backend = fake.get();
    loop = std::make_unique<Loop>(std::move(fake));
    REQUIRE(open_socket(*loop, driver, local) == local);
    loop->turn();
    driver.dispatched = driver.polled = driver.asked = 0;
    backend->wakes = 0;
  }

  /// A turn in which the driver has something to do.
  void turn() {
    wake_driver(*loop, driver);
    loop->turn();
  }

  [[nodiscard]] Datagram datagram(std::string_view payload) const {
    return {.path = {.local = local, .remote = remote}, .payload = as_bytes(payload)};
  }

  [[nodiscard]] FakeDriver::Outgoing outgoing(std::string payload) const {
    return {.path = {.local = local, .remote = remote}, .payload = std::move(payload)};
  }

  [[nodiscard]] std::vector<std::string> sent() const {
    std::vector<std::string> payloads;
    for (const auto& each : backend->sent) {
      payloads.push_back(each.payload);
    }
    return payloads;
  }
};

using Strings = std::vector<std::string>;

}  // namespace quoin::test
