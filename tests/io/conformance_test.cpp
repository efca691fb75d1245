// SPDX-License-Identifier: MIT
/// The conformance suite on the simulated network, and on backends with a fault, which it must
/// find.

#include "io/conformance.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/conformance.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "io/fakes.hpp"

namespace quoin::test {

namespace {

/// Two hosts with addresses of both families.
struct Hosts {
  io::SimulatedNetwork network{3};
  SimulatedHost a{network, network.host("10.0.0.1")};
  SimulatedHost b{network, network.host("10.0.0.2")};

  Hosts() {
    network.add_address("10.0.0.1", "2001:db8::1");
    network.add_address("10.0.0.2", "2001:db8::2");
  }
};

enum class Fault : std::uint8_t {
  loses_marks,
  names_wrong_peer,
  ignores_close,
  sends_first_segment_only,
  overwrites_views,
  tells_no_errors,
};

/// Another backend with one fault.
class Faulty final : public io::Backend {
 public:
  Faulty(io::Backend& real, Fault fault) noexcept : real_(real), fault_(fault) {}

  [[nodiscard]] Time now() const noexcept override { return real_.now(); }

  void fill_random(std::span<std::byte> out) noexcept override { real_.fill_random(out); }

  [[nodiscard]] Result<Address> open(const Address& local) override { return real_.open(local); }

  [[nodiscard]] Result<Address> source_for(const Address& remote) override {
    return real_.source_for(remote);
  }

  void close(const Address& local) noexcept override {
    if (fault_ != Fault::ignores_close) {
      real_.close(local);
    }
  }

  [[nodiscard]] io::Capabilities capabilities() const noexcept override {
    return real_.capabilities();
  }

  void wait(std::optional<Time> deadline) override { real_.wait(deadline); }

  [[nodiscard]] std::span<const Datagram> receive() override {
    const auto batch = real_.receive();
    batch_.assign(batch.begin(), batch.end());
    for (Datagram& datagram : batch_) {
      if (fault_ == Fault::loses_marks) {
        datagram.ecn = Ecn::not_ect;
      } else if (fault_ == Fault::names_wrong_peer) {
        datagram.path.remote = datagram.path.local;
      } else if (fault_ == Fault::overwrites_views) {
        bytes_.assign(datagram.payload.begin(), datagram.payload.end());
        datagram.payload = bytes_;
      }
    }
    return batch_;
  }

  [[nodiscard]] std::size_t send(std::span<const Datagram> batch) override {
    std::ranges::fill(bytes_, std::byte{0});
    if (fault_ != Fault::sends_first_segment_only) return real_.send(batch);
    Datagram first = batch.front();
    if (first.segment_size != 0) {
      first.payload = first.payload.first(std::min(first.segment_size, first.payload.size()));
    }
    return real_.send({&first, 1});
  }

  [[nodiscard]] std::span<const io::PathError> errors() override {
    const auto found = real_.errors();
    return fault_ == Fault::tells_no_errors ? std::span<const io::PathError>{} : found;
  }

  void wake() noexcept override { real_.wake(); }

  [[nodiscard]] std::string describe() const override { return "faulty"; }

 private:
  io::Backend& real_;
  Fault fault_;
  std::vector<Datagram> batch_;
  std::vector<std::byte> bytes_;
};

}  // namespace

TEST_CASE("a simulated host does what every backend must do, in both families") {
  Hosts hosts;
  check_conformance(
      {.a = hosts.a,
       .b = hosts.b,
       .hosts = {{.a = address("10.0.0.1:0"), .b = address("10.0.0.2:0")},
                 {.a = address("[2001:db8::1]:0"), .b = address("[2001:db8::2]:0")}}});
}

TEST_CASE("the conformance suite finds the fault of a backend and says where") {
  const Fault fault =
      GENERATE(Fault::loses_marks, Fault::names_wrong_peer, Fault::ignores_close,
               Fault::sends_first_segment_only, Fault::overwrites_views, Fault::tells_no_errors);
  CAPTURE(static_cast<int>(fault));
  Hosts hosts;
  Faulty a{hosts.a, fault};
  Faulty b{hosts.b, fault};
  std::vector<std::string> failures;
  const std::size_t failed =
      io::check_conformance({.a = a,
                             .b = b,
                             .hosts = {{.a = address("10.0.0.1:0"), .b = address("10.0.0.2:0")}},
                             .patience = std::chrono::seconds{1}},
                            [&](const io::ConformanceResult& result) {
                              if (result.outcome == io::ConformanceResult::Outcome::failed) {
                                failures.push_back(result.requirement);
                                CHECK_FALSE(result.detail.empty());
                              }
                            });
  CHECK(failed == failures.size());
  REQUIRE(failed > 0);
  CHECK(failures.front().ends_with(" (10.0.0.1)"));
}

}  // namespace quoin::test
