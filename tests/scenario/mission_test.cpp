// SPDX-License-Identifier: MIT
/// What QUIC is for, shown one by one on a simulated network: no waiting for what was lost
/// elsewhere (S2), fewer round trips (S7), moving (S8), no hijacking (S9), throttling one stream
/// alone (S10) and packets that fit (S11).

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
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "support/http_world.hpp"
#include "support/interop_world.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

// ---- S2 -----------------------------------------------------------------------------------------

constexpr std::size_t requests = 4;
constexpr std::size_t packets = 8;

/// When the replies were complete, with QUIC, and when TCP would have had them: it hands over a
/// byte when all bytes before it have arrived.
struct Order {
  std::array<Duration, requests> quic{};
  std::array<Duration, requests> tcp{};
};

/// Four replies of two packets each, of which packet number `lost` (from 1; 0: none) is lost.
Order deliver(std::size_t lost) {
  InteropWorld world{{.link = {.delay = 50ms}}};
  std::vector<Response> waiting;
  world.server.get("/reply/{number}", [&](Request, Response response) {
    waiting.push_back(response);
    if (waiting.size() == requests) {
      for (Response each : waiting) each.end(pattern(2650));
    }
  });
  const std::unique_ptr<Client> client = world.make_client();
  (void)world.fetch_all(*client, {100'000});  // both sides know each other and the path

  std::size_t sent = 0;
  world.network.intercept([&](const Datagram& datagram) {
    const bool carries_reply =
        datagram.path.local.host() == world.server_ip && datagram.payload.size() > 1000;
    return !carries_reply || ++sent != lost;
  });
  std::vector<Time> arrivals;
  world.network.tap([&](const io::Observation& seen) {
    const bool carries_reply =
        seen.datagram.path.local.host() == world.server_ip && seen.datagram.payload.size() > 1000;
    if (carries_reply && seen.fate == io::Fate::delivered) arrivals.push_back(seen.time);
  });
  const Time start = world.network.now();
  Order order;
  std::size_t missing = requests;
  for (std::size_t i = 0; i < requests; ++i) {
    client->get(world.url("/reply/" + std::to_string(i + 1)), [&, i](Result<Reply> reply) {
      REQUIRE(reply.has_value());
      order.quic[i] = world.network.now() - start;
      --missing;
    });
  }
  REQUIRE(world.network.run_until([&] { return missing == 0; }, 10s));
  REQUIRE(sent >= packets);
  REQUIRE(arrivals.size() >= packets);
  if (lost != 0) {  // what was sent again takes the place of what was lost
    const Time again = arrivals[packets - 1];
    arrivals.erase(arrivals.begin() + packets - 1);
    arrivals.insert(arrivals.begin() + static_cast<std::ptrdiff_t>(lost) - 1, again);
  }
  for (std::size_t i = 0; i < requests; ++i) {
    order.tcp[i] =
        *std::max_element(arrivals.begin(), arrivals.begin() + 2 * static_cast<int>(i) + 2) - start;
  }
  return order;
}

std::string shown(const Order& order, std::size_t lost) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << "four replies in eight packets";
  if (lost != 0) text << ", packet " << lost << " lost";
  text << "\n  reply   QUIC        TCP\n";
  for (std::size_t i = 0; i < requests; ++i) {
    text << "  " << i + 1 << std::setw(12) << static_cast<double>(order.quic[i] / 1us) / 1000
         << " ms" << std::setw(8) << static_cast<double>(order.tcp[i] / 1us) / 1000 << " ms\n";
  }
  return text.str();
}

}  // namespace

TEST_CASE("S2: of four replies in eight packets, the loss of packet 3 delays the second one only") {
  const Order whole = deliver(0);
  const Order torn = deliver(3);
  std::cout << shown(whole, 0) << shown(torn, 3);
  for (const std::size_t i : {0U, 2U, 3U}) CHECK(torn.quic[i] == whole.quic[i]);
  CHECK(torn.quic[1] > whole.quic[1] + 50ms);
  CHECK(torn.tcp[0] == whole.tcp[0]);
  for (const std::size_t i : {1U, 2U, 3U}) CHECK(torn.tcp[i] > whole.tcp[i] + 50ms);
}

TEST_CASE("S7: the first reply takes two round trips, one less than with TCP and TLS") {
  InteropWorld world{{.link = {.delay = 50ms}}};
  const std::unique_ptr<Client> client = world.make_client();
  const Reply first = std::move(world.fetch_all(*client, {1000}).front());
  const Reply second = std::move(world.fetch_all(*client, {1000}).front());
  CHECK(first.timing.connected / 100ms == 1);
  CHECK(first.timing.total / 100ms == 2);
  CHECK(second.timing.total / 100ms == 1);
}

TEST_CASE(
    "S7: a client that comes back has its reply after one round trip, and nothing unsafe goes "
    "early") {
  InteropWorld world{{.server = {.quic = {.early_data = true}}, .link = {.delay = 50ms}}};
  std::vector<bool> posted;
  world.server.post("/post", [&](Request request, Response response) {
    posted.push_back(request.early());
    response.end("done");
  });
  std::string saved;
  {
    const std::unique_ptr<Client> first = world.make_client();
    (void)world.fetch_all(*first, {1000});
    world.network.run_for(300ms);
    saved = first->save_sessions();
  }
  const std::unique_ptr<Client> client = world.make_client(true);
  REQUIRE(client->load_sessions(as_bytes(saved)).has_value());
  // Whatever is said of it, a request that does something is not carried out twice: the server
  // answers 425 to it in early data, and the client sends it again after the handshake.
  std::optional<Result<Reply>> reply;
  client->request(
      {.method = "POST", .url = world.url("/post"), .headers = {}, .body = "x", .early = true},
      [&](Result<Reply> result) { reply = std::move(result); });
  const Reply early = std::move(world.fetch_all(*client, {1000}).front());
  CHECK(early.timing.early);
  CHECK(early.timing.total / 100ms == 1);
  REQUIRE(world.network.run_until([&] { return reply.has_value(); }, 2s));
  REQUIRE(reply->has_value());
  CHECK((*reply)->body == "done");
  CHECK_FALSE((*reply)->timing.early);
  CHECK((*reply)->timing.total / 100ms == 2);
  CHECK(posted == std::vector{false});
  CHECK(world.server.stats().too_early == 1);
}

TEST_CASE("S8: a download moves from Wi-Fi to 4G and back, with new connection IDs") {
  InteropWorld world{{.seed = 8}};
  world.network.add_address(world.client_ip, "10.4.0.2");
  world.to_client() = {.delay = 10ms, .loss = 0.005, .bits_per_second = 40'000'000};
  world.network.link_both(
      world.server_ip, "10.4.0.2",
      {.delay = 45ms, .loss = 0.01, .mtu = 1400, .bits_per_second = 10'000'000});
  constexpr std::size_t size = 6'000'000;
  std::vector<std::pair<std::string, std::string>> ids;  // the client's address, and whom it asks
  const std::unique_ptr<Client> client = world.make_client();
  world.network.intercept([&](const Datagram& datagram) {
    const std::string from = datagram.path.local.host();
    const bool is_short = (datagram.payload.front() & std::byte{0x80}) == std::byte{};
    if (from != world.server_ip && is_short) {
      std::pair seen{from, std::string{as_text(datagram.payload.subspan(1, 8))}};
      if (ids.empty() || ids.back() != seen) ids.push_back(std::move(seen));
    }
    return true;
  });
  const auto move = [&](const char* to) {
    CHECK(client->migrate(Address::parse_host(to, 0).value()).has_value());
  };
  world.network.after(500ms, [&] { move("10.4.0.2"); });
  world.network.after(1500ms, [&] { move("10.0.0.2"); });
  (void)world.fetch_all(*client, {size});
  CHECK(world.connected.size() == 1);
  CHECK(client->stats().connections == 1);
  std::set<std::string> on_wifi;
  std::set<std::string> on_4g;
  for (const auto& [from, id] : ids) (from == "10.4.0.2" ? on_4g : on_wifi).insert(id);
  CHECK(on_wifi.size() >= 2);
  REQUIRE_FALSE(on_4g.empty());
  CHECK(std::ranges::none_of(on_4g, [&](const std::string& id) { return on_wifi.contains(id); }));
}

TEST_CASE("S9: replayed, forged and redirected packets change nothing") {
  InteropWorld world{{.seed = 9}};
  const Address attacker = Address::parse("10.6.6.6:666").value();
  std::size_t to_attacker = 0;
  std::size_t from_attacker = 0;
  int turn = 0;
  world.network.tap([&](const io::Observation& seen) {
    const Datagram& datagram = seen.datagram;
    if (datagram.path.remote == attacker) to_attacker += datagram.payload.size();
    if (datagram.path.local == attacker || seen.fate != io::Fate::delivered || turn > 3000) return;
    std::vector<std::byte> copy{datagram.payload.begin(), datagram.payload.end()};
    Path path = datagram.path;
    const bool is_to_server = path.remote.host() == world.server_ip;
    switch (++turn % 4) {
      case 0:  // again, from where it came
        break;
      case 1:  // changed
        copy[copy.size() / 2] ^= std::byte{1};
        break;
      case 2:  // garbage, as if it were the next packet of the connection
        std::fill(copy.begin() + std::min<std::ptrdiff_t>(20, std::ssize(copy)), copy.end(),
                  std::byte{0x55});
        break;
      default:  // as if the client had moved
        if (!is_to_server) return;
        path.local = attacker;
        from_attacker += copy.size();
        break;
    }
    world.network.inject({.path = path, .payload = copy, .ecn = datagram.ecn});
  });
  const std::unique_ptr<Client> client = world.make_client();
  (void)world.fetch_all(*client, {1'000'000});
  CHECK(turn > 1000);
  CHECK(from_attacker > 10'000);
  CHECK(to_attacker <= 3 * from_attacker);
  CHECK(client->stats().connections == 1);
  REQUIRE(client->connections().size() == 1);
  client->shutdown();
  REQUIRE(world.network.run_until([&] { return !world.disconnected.empty(); }, 10s));
  CHECK(world.disconnected.front().path.remote.host() == world.client_ip);
}

TEST_CASE("S10: a reader that stalls holds back its own stream and nothing else") {
  InteropWorld world{{.link = {.delay = 10ms, .bits_per_second = 100'000'000}}};
  constexpr std::size_t size = 20'000'000;
  std::size_t made = 0;
  world.server.get("/stalled", [&](Request, Response response) {
    response.stream([&](std::span<std::byte> room) {
      const std::size_t part = std::min(room.size(), size - made);
      std::ranges::fill(room.first(part), std::byte{'q'});
      made += part;
      return Filled{.bytes = part, .last = made == size};
    });
  });
  const std::unique_ptr<Client> client = world.make_client();
  std::size_t taken = 0;
  bool is_stalled = true;
  std::optional<Result<Reply>> stalled;
  Call call =
      client->request({.method = "GET", .url = world.url("/stalled"), .headers = {}, .body = {}},
                      {.on_data = [&](Bytes chunk, bool) -> std::size_t {
                         taken += is_stalled ? 0 : chunk.size();
                         return is_stalled ? 0 : chunk.size();
                       },
                       .done = [&](Result<Reply> reply) { stalled = std::move(reply); }});
  world.network.run_for(2s);
  const std::size_t kept = made;
  CHECK(kept < 1'000'000);  // a window at the client, a buffer at the server
  const Time start = world.network.now();
  (void)world.fetch_all(*client, {1'000'000, 1'000'000, 1'000'000, 1'000'000});
  CHECK(world.network.now() - start < 1s);
  CHECK(made == kept);
  is_stalled = false;
  call.resume();
  REQUIRE(world.network.run_until([&] { return stalled.has_value(); }, 10s));
  CHECK(stalled->has_value());
  CHECK(taken == size);
}

TEST_CASE("S11: packets grow to what the path carries and never beyond") {
  const auto [mtu, reports, least] =
      GENERATE(table<std::size_t, bool, std::size_t>({{1280, false, 1232},
                                                      {1280, true, 1232},
                                                      {1400, false, 1372},
                                                      {1400, true, 1372},
                                                      {1492, false, 1452},
                                                      {1500, false, 1472},
                                                      {9000, false, 1472}}));
  INFO("MTU " << mtu << (reports ? " with" : " without") << " ICMP");
  InteropWorld world{{.link = {.delay = 5ms, .mtu = mtu, .reports_too_large = reports}}};
  std::size_t largest = 0;
  world.network.tap([&](const io::Observation& seen) {
    if (seen.fate == io::Fate::delivered) {
      largest = std::max(largest, seen.datagram.payload.size());
    }
  });
  const std::unique_ptr<Client> client = world.make_client();
  const Time start = world.network.now();
  for (int i = 0; i < 5; ++i) (void)world.fetch_all(*client, {300'000});
  CHECK(world.network.now() - start < 2s);
  world.network.run_for(2s);  // probes that are lost are repeated first
  (void)world.fetch_all(*client, {300'000});
  constexpr std::size_t headers = 28;
  CHECK(largest <= mtu - headers);
  CHECK(largest >= least);
  client->shutdown();
  REQUIRE(world.network.run_until([&] { return !world.disconnected.empty(); }, 10s));
  CHECK(world.disconnected.front().stats.udp_payload_size == largest);
}

TEST_CASE(
    "S11: a path that shrinks in the midst of a download is found out, with ICMP or without") {
  const bool reports = GENERATE(false, true);
  const auto mtu = static_cast<std::size_t>(GENERATE(1280, 1400));
  INFO("MTU " << mtu << (reports ? " with" : " without") << " ICMP");
  InteropWorld world{{.link = {.delay = 5ms, .bits_per_second = 40'000'000}}};
  std::size_t before = 0;
  std::size_t too_large = 0;
  std::size_t largest = 0;  // after the change
  bool is_narrow = false;
  world.network.tap([&](const io::Observation& seen) {
    const std::size_t size = seen.datagram.payload.size();
    if (seen.fate == io::Fate::too_large) ++too_large;
    if (seen.fate != io::Fate::delivered) return;
    std::size_t& most = is_narrow ? largest : before;
    most = std::max(most, size);
  });
  world.network.after(500ms, [&] {
    for (io::Link* link : {&world.to_client(), &world.to_server()}) {
      link->mtu = mtu;
      link->reports_too_large = reports;
    }
    world.network.after(100ms, [&] { is_narrow = true; });  // what was under way has arrived
  });
  const std::unique_ptr<Client> client = world.make_client();
  const Time start = world.network.now();
  (void)world.fetch_all(*client, {6'000'000});  // without the change it takes 1.3 s
  CHECK(world.network.now() - start < 3500ms);
  constexpr std::size_t headers = 28;
  CHECK(before > mtu - headers);
  CHECK(largest <= mtu - headers);
  CHECK(too_large < 500);  // about a window
  CHECK(world.connected.size() == 1);
  client->shutdown();
  REQUIRE(world.network.run_until([&] { return !world.disconnected.empty(); }, 10s));
  CHECK(world.disconnected.front().stats.mtu_fallbacks >= 1);
  CHECK(world.disconnected.front().stats.udp_payload_size <= mtu - headers);
}

TEST_CASE("S11: without a backend that forbids fragments, none can come about all the same") {
  InteropWorld world{{.server = {.quic = {.probe_path_mtu = false}},
                      .client = {.probe_path_mtu = false},
                      .link = {.delay = 5ms, .mtu = 9000}}};
  std::size_t largest = 0;
  world.network.tap([&](const io::Observation& seen) {
    largest = std::max(largest, seen.datagram.payload.size());
  });
  (void)world.fetch(300'000);
  CHECK(largest == 1200);  // what every path for QUIC carries in one piece (RFC 9000 §14)
}

}  // namespace quoin::test
