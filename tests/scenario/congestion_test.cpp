// SPDX-License-Identifier: MIT
/// What the congestion controllers make of one link, alone and beside each other: CUBIC (RFC 9438)
/// and BBR. The figures are printed; the bounds are wide, they catch a controller that starves or
/// is starved.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <ios>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

namespace quoin::test {

namespace {

using namespace std::chrono_literals;
using quic::CongestionControl;

constexpr auto server_ip = "10.0.0.1";
constexpr auto client_ip = "10.0.0.2";
constexpr Duration warm_up = 1s;
constexpr Duration measured = 5s;

std::string name_of(CongestionControl control) {
  switch (control) {
    case CongestionControl::cubic:
      return "CUBIC";
    case CongestionControl::reno:
      return "Reno";
    case CongestionControl::bbr:
      return "BBR";
  }
  return "?";
}

/// A download without end from a server with one of the controllers.
class Flow {
 public:
  Flow(io::SimulatedNetwork& network, const Tls& tls, CongestionControl control, int port)
      : server_(network.host(server_ip), tls, {.quic = {.congestion_control = control}}),
        client_(network.host(client_ip), Tls::client_from_pem(tls.certificate_pem()).value()) {
    server_.get("/", [](Request, Response response) {
      response.stream([](std::span<std::byte> room) {
        std::ranges::fill(room, std::byte{'q'});
        return Filled{.bytes = room.size()};
      });
    });
    const std::string authority = std::string{server_ip} + ":" + std::to_string(port);
    REQUIRE(server_.listen(authority).has_value());
    client_.request(
        {.method = "GET", .url = "https://" + authority + "/", .headers = {}, .body = {}},
        {.on_data = [this](Bytes chunk, bool) { return taken_ += chunk.size(), chunk.size(); },
         .done = [](const Result<Reply>&) {}});
  }

  [[nodiscard]] std::size_t taken() const noexcept { return taken_; }

 private:
  Server server_;
  Client client_;
  std::size_t taken_ = 0;
};

/// The goodput of each flow on 10 Mbit/s with 30 ms there and back and 1 % loss, in Mbit/s.
std::vector<double> share(const std::vector<CongestionControl>& controls) {
  io::SimulatedNetwork network{2026};
  network.link(server_ip, client_ip) = {
      .delay = 15ms, .loss = 0.01, .bits_per_second = 10'000'000, .queue = 50};
  network.link(client_ip, server_ip) = {.delay = 15ms, .bits_per_second = 10'000'000};
  const Tls tls = Tls::self_signed(std::array<std::string, 1>{server_ip}).value();
  std::vector<std::unique_ptr<Flow>> flows;
  for (const CongestionControl control : controls) {
    flows.push_back(
        std::make_unique<Flow>(network, tls, control, 1000 + static_cast<int>(flows.size())));
  }
  network.run_for(warm_up);
  std::vector<std::size_t> before;
  for (const auto& flow : flows) before.push_back(flow->taken());
  network.run_for(measured);
  std::vector<double> shares;
  std::ostringstream text;
  text << std::fixed << std::setprecision(1);
  double sum = 0;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    shares.push_back(static_cast<double>(flows[i]->taken() - before[i]) * 8 / 1e6 /
                     std::chrono::duration<double>(measured).count());
    sum += shares.back();
    text << (i == 0 ? "  " : " beside ") << name_of(controls[i]) << ' ' << shares.back();
  }
  std::cout << text.str() << " Mbit/s, together " << std::fixed << std::setprecision(1) << sum
            << '\n';
  return shares;
}

}  // namespace

TEST_CASE("CUBIC and BBR use a link of 10 Mbit/s, 30 ms and 1 % loss, and share it") {
  std::cout << "goodput on 10 Mbit/s, 30 ms, 1 % loss:\n";
  const auto cubic = CongestionControl::cubic;
  const auto bbr = CongestionControl::bbr;
  const std::vector<double> alone{share({cubic}).front(), share({bbr}).front()};
  CHECK(alone[0] > 3);         // a loss costs CUBIC a third of its window
  CHECK(alone[1] > alone[0]);  // BBR minds it less
  for (const auto& pair : {std::vector{cubic, cubic}, {bbr, bbr}, {cubic, bbr}}) {
    const std::vector<double> shares = share(pair);
    const double sum = shares[0] + shares[1];
    CHECK(sum > 5);
    CHECK(sum < 10);
    CHECK(std::min(shares[0], shares[1]) > (pair[0] == pair[1] ? 0.3 : 0.05) * sum);
  }
}

}  // namespace quoin::test
