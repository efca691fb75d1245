// SPDX-License-Identifier: MIT
/// The conformance suite under Catch2, and backends that only pass on, to be run by it.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/conformance.hpp>
#include <quoin/loop.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "io/fakes.hpp"
#include "loop/driver.hpp"

namespace quoin::test {

/// Reports each failure as one of the test.
inline void check_conformance(const io::ConformanceSubject& subject) {
  std::size_t passed = 0;
  const std::size_t failed =
      io::check_conformance(subject, [&](const io::ConformanceResult& result) {
        if (result.outcome == io::ConformanceResult::Outcome::failed) {
          FAIL_CHECK(result.requirement << ": " << result.detail);
        } else if (result.outcome == io::ConformanceResult::Outcome::skipped) {
          WARN("skipped: " << result.requirement << ": " << result.detail);
        } else {
          ++passed;
        }
      });
  CHECK(failed == 0);
  CHECK(passed >= 15 * subject.hosts.size());
}

/// A simulated host, whose loop the network turns, as a backend that can be called directly.
/// Waiting lets the network run.
class SimulatedHost final : public io::Backend {
 public:
  SimulatedHost(io::SimulatedNetwork& network, Loop& loop) : network_(network), loop_(loop) {}

  SimulatedHost(const SimulatedHost&) = delete;
  SimulatedHost& operator=(const SimulatedHost&) = delete;

  ~SimulatedHost() override { detach(loop_, driver_); }

  [[nodiscard]] Time now() const noexcept override { return network_.now(); }

  void fill_random(std::span<std::byte> out) noexcept override { loop_.backend().fill_random(out); }

  [[nodiscard]] Result<Address> open(const Address& local) override {
    return open_socket(loop_, driver_, local);
  }

  [[nodiscard]] Result<Address> source_for(const Address& remote) override {
    return loop_.backend().source_for(remote);
  }

  void close(const Address& local) noexcept override { close_socket(loop_, local); }

  [[nodiscard]] io::Capabilities capabilities() const noexcept override {
    return loop_.backend().capabilities();
  }

  void wait(std::optional<Time> deadline) override {
    const Duration span =
        deadline ? std::max(*deadline - now(), Duration::zero()) : Duration{std::chrono::hours{1}};
    const bool has_news = network_.run_until(
        [&] { return !driver_.received.empty() || !driver_.errors.empty() || is_woken_; }, span);
    is_woken_ = false;
    if (!has_news && deadline) {
      network_.run_for(std::max(*deadline - now(), Duration::zero()));
    }
  }

  [[nodiscard]] std::span<const Datagram> receive() override {
    batch_ = std::exchange(driver_.received, {});
    datagrams_.clear();
    for (const FakeDriver::Received& each : batch_) {
      datagrams_.push_back({.path = each.path, .payload = as_bytes(each.payload), .ecn = each.ecn});
    }
    return datagrams_;
  }

  [[nodiscard]] std::size_t send(std::span<const Datagram> batch) override {
    return loop_.backend().send(batch);
  }

  [[nodiscard]] std::span<const io::PathError> errors() override {
    reported_ = std::exchange(driver_.errors, {});
    return reported_;
  }

  void wake() noexcept override { is_woken_ = true; }

  [[nodiscard]] std::string describe() const override { return loop_.backend().describe(); }

 private:
  io::SimulatedNetwork& network_;
  Loop& loop_;
  FakeDriver driver_;
  std::vector<FakeDriver::Received> batch_;
  std::vector<Datagram> datagrams_;
  std::vector<io::PathError> reported_;
  std::atomic<bool> is_woken_ = false;
};

}  // namespace quoin::test
