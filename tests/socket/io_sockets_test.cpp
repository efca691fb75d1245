// SPDX-License-Identifier: MIT
/// The backends on real sockets of the loopback interface: what arrives, from where, with
/// which mark.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <poll.h>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

#include "io/conformance.hpp"
#include "io/fakes.hpp"
#include "io/sockets.hpp"
#include "loop/driver.hpp"

namespace quoin::test {

using namespace std::chrono_literals;

TEST_CASE("a datagram goes there and back over IPv4 and IPv6") {
  QUOIN_EACH_BACKEND;
  const auto* const local = GENERATE("127.0.0.1:0", "[::1]:0");
  if (std::string_view{local}.starts_with('[') && !has_ipv6()) {
    SKIP("no IPv6 here");
  }
  Sockets sockets{local};
  REQUIRE(sockets.from.port() != 0);
  REQUIRE(sockets.send(sockets.datagram("ping", 0, Ecn::ect0)) == 1);
  const auto there = receive(*sockets.receiver, 1);
  REQUIRE(there.size() == 1);
  CHECK(there[0].payload == "ping");
  CHECK(there[0].ecn == Ecn::ect0);
  CHECK(there[0].path == Path{.local = sockets.to, .remote = sockets.from});
  const Datagram reply{.path = there[0].path, .payload = as_bytes("pong"), .ecn = Ecn::ce};
  REQUIRE(sockets.receiver->send({&reply, 1}) == 1);
  const auto back = receive(*sockets.sender, 1);
  REQUIRE(back.size() == 1);
  CHECK(back[0].payload == "pong");
  CHECK(back[0].ecn == Ecn::ce);
  CHECK(back[0].path == Path{.local = sockets.from, .remote = sockets.to});
}

TEST_CASE("a socket on [::] sees IPv4 peers as IPv4 and answers from the address they asked") {
  QUOIN_EACH_BACKEND;
  if (!has_ipv6()) {
    SKIP("no IPv6 here");
  }
  const auto server = make_backend();
  const auto client = make_backend();
  const Address any = server->open(address("[::]:0")).value();
  for (const char* host : {"127.0.0.2:0", "[::1]:0"}) {
    const Address from = client->open(address(host)).value();
    const Address to = address(host).with_port(any.port());
    const Datagram ping{
        .path = {.local = from, .remote = to}, .payload = as_bytes("ping"), .ecn = Ecn::ect1};
    REQUIRE(client->send({&ping, 1}) == 1);
    const auto there = receive(*server, 1);
    REQUIRE(there.size() == 1);
    CHECK(there[0].path == Path{.local = to, .remote = from});
    CHECK(there[0].ecn == Ecn::ect1);
    const Datagram pong{.path = there[0].path, .payload = as_bytes("pong"), .ecn = Ecn::ect0};
    REQUIRE(server->send({&pong, 1}) == 1);
    const auto back = receive(*client, 1);
    REQUIRE(back.size() == 1);
    CHECK(back[0].path == Path{.local = from, .remote = to});
    CHECK(back[0].ecn == Ecn::ect0);
  }
}

TEST_CASE("a socket on 0.0.0.0 tells the true local address and answers from it") {
  QUOIN_EACH_BACKEND;
  const auto server = make_backend();
  const auto client = make_backend();
  const Address any = server->open(address("0.0.0.0:0")).value();
  const Address from = client->open(address("127.0.0.1:0")).value();
  for (const char* host : {"127.0.0.2:0", "127.0.0.3:0"}) {
    const Address to = address(host).with_port(any.port());
    const Datagram ping{.path = {.local = from, .remote = to}, .payload = as_bytes("ping")};
    REQUIRE(client->send({&ping, 1}) == 1);
    const auto there = receive(*server, 1);
    REQUIRE(there.size() == 1);
    CHECK(there[0].path.local == to);
    const Datagram pong{.path = there[0].path, .payload = as_bytes("pong")};
    REQUIRE(server->send({&pong, 1}) == 1);
    const auto back = receive(*client, 1);
    REQUIRE(back.size() == 1);
    CHECK(back[0].path.remote == to);
  }
}

TEST_CASE("the source address towards a peer is known before anything is sent") {
  QUOIN_EACH_BACKEND;
  const auto backend = make_backend();
  CHECK(backend->source_for(address("127.0.0.1:443")) == address("127.0.0.1:0"));
  if (has_ipv6()) {
    CHECK(backend->source_for(address("[::1]:443")) == address("[::1]:0"));
  }
}

TEST_CASE("a train arrives as its segments, with and without the offloads") {
  QUOIN_EACH_BACKEND;
  const bool segmentation = GENERATE(true, false);
  const bool receiving = GENERATE(true, false);
  Sockets sockets{"127.0.0.1:0",
                  {.segmentation_offload = segmentation, .receive_offload = receiving}};
  if (sockets.sender->capabilities().max_send_segments == 1 && segmentation) {
    SKIP("no segmentation offload here");
  }
  CHECK((sockets.sender->capabilities().max_send_segments > 1) == segmentation);
  std::string payload = train(20, 1200);
  payload.append(700, 'z');
  REQUIRE(sockets.send(sockets.datagram(payload, 1200, Ecn::ect0)) == 1);
  auto arrivals = receive(*sockets.receiver, 21);
  REQUIRE(arrivals.size() == 21);
  CHECK(std::ranges::all_of(arrivals, [](const auto& a) { return a.ecn == Ecn::ect0; }));
  CHECK(arrivals.back().payload == std::string(700, 'z'));
  arrivals.pop_back();
  check_train(arrivals, 20, 1200);
  CHECK(sockets.calls.send_calls == 1);
}

TEST_CASE("a train longer than the kernel takes is sent in parts") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  const std::string many = std::string(200, 'x');
  REQUIRE(sockets.send(sockets.datagram(many, 2)) == 1);
  CHECK(receive(*sockets.receiver, 100).size() == 100);
  const std::string large(std::size_t{80} * 1200, 'x');
  REQUIRE(sockets.send(sockets.datagram(large, 1200)) == 1);
  CHECK(receive(*sockets.receiver, 80).size() == 80);
}

TEST_CASE("many datagrams for several sockets go out in one call of the backend") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  const Address second = sockets.sender->open(address("127.0.0.2:0")).value();
  std::vector<std::string> payloads;
  for (int i = 0; i < 100; ++i) {
    payloads.push_back(std::to_string(i));
  }
  std::vector<Datagram> batch;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    batch.push_back(sockets.datagram(payloads[i]));
    batch.back().path.local = i % 3 == 0 ? second : sockets.from;
  }
  REQUIRE(sockets.sender->send(batch) == 100);
  const auto arrivals = receive(*sockets.receiver, 100);
  REQUIRE(arrivals.size() == 100);
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    CHECK(arrivals[i].payload == payloads[i]);
    CHECK(arrivals[i].path.remote == batch[i].path.local);
  }
}

TEST_CASE("all sockets get their turn although one is flooded") {
  QUOIN_EACH_BACKEND;
  const auto server = make_backend();
  const auto client = make_backend();
  const Address busy = server->open(address("127.0.0.1:0")).value();
  const Address quiet = server->open(address("127.0.0.1:0")).value();
  const Address from = client->open(address("127.0.0.1:0")).value();
  const std::vector<Datagram> flood(
      64, {.path = {.local = from, .remote = busy}, .payload = as_bytes("x")});
  const Datagram one{.path = {.local = from, .remote = quiet}, .payload = as_bytes("y")};
  for (int i = 0; i < 4; ++i) {
    REQUIRE(client->send(flood) == flood.size());
  }
  REQUIRE(client->send({&one, 1}) == 1);
  const bool found = std::ranges::any_of(std::array{1, 2, 3, 4}, [&](int) {
    const auto batch = server->receive();
    return !batch.empty() && batch.front().path.local == quiet;
  });
  CHECK(found);
}

TEST_CASE("a socket may be closed while it has a datagram or an error to tell") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  const Address gone = sockets.receiver->open(address("127.0.0.1:0")).value();
  const Address failing = sockets.sender->open(address("127.0.0.1:0")).value();
  const Datagram late{.path = {.local = sockets.from, .remote = gone}, .payload = as_bytes("late")};
  REQUIRE(sockets.send(late) == 1);
  REQUIRE(sockets.send(sockets.datagram("in time")) == 1);
  sockets.receiver->wait(sockets.receiver->now() + patience);
  sockets.receiver->close(gone);
  const auto arrivals = receive(*sockets.receiver, 1);
  REQUIRE(arrivals.size() == 1);
  CHECK(arrivals[0].payload == "in time");
  const Datagram refused{.path = {.local = failing, .remote = gone}, .payload = as_bytes("hello")};
  REQUIRE(sockets.send(refused) == 1);
  sockets.sender->wait(sockets.sender->now() + patience);
  sockets.sender->close(failing);
  CHECK(sockets.sender->errors().empty());
  REQUIRE(sockets.send(sockets.datagram("again")) == 1);
  CHECK(receive(*sockets.receiver, 1).size() == 1);
}

TEST_CASE("empty datagrams are read and dropped, and others still arrive") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  const std::vector<Datagram> flood(300, sockets.datagram(""));
  REQUIRE(sockets.sender->send(flood) == 300);
  REQUIRE(sockets.send(sockets.datagram("real")) == 1);
  const auto arrivals = receive(*sockets.receiver, 1);
  REQUIRE(arrivals.size() == 1);
  CHECK(arrivals[0].payload == "real");
}

TEST_CASE("a refused port is a path error, reported once, after which there is silence") {
  QUOIN_EACH_BACKEND;
  const auto* const local = GENERATE("127.0.0.1:0", "[::1]:0");
  if (std::string_view{local}.starts_with('[') && !has_ipv6()) {
    SKIP("no IPv6 here");
  }
  Sockets sockets{local};
  sockets.receiver->close(sockets.to);
  REQUIRE(sockets.send(sockets.datagram("anybody?")) == 1);
  const auto found = errors(*sockets.sender);
  REQUIRE(found.size() == 1);
  CHECK(found[0].error == Error{Error::Domain::system, ECONNREFUSED});
  CHECK(found[0].path == Path{.local = sockets.from, .remote = sockets.to});
  const Time before = sockets.sender->now();
  int waits = 0;  // it may end early, but not all the time
  for (; sockets.sender->now() < before + 20ms; ++waits) {
    sockets.sender->wait(before + 20ms);
  }
  CHECK(waits < 200);
  CHECK(sockets.sender->errors().empty());
}

TEST_CASE("an IPv4 port refused to a socket on [::] is told with IPv4 addresses") {
  QUOIN_EACH_BACKEND;
  if (!has_ipv6()) {
    SKIP("no IPv6 here");
  }
  Sockets sockets;
  const Address any = sockets.sender->open(address("[::]:0")).value();
  sockets.receiver->close(sockets.to);
  Datagram datagram = sockets.datagram("anybody?");
  datagram.path.local = any;
  REQUIRE(sockets.send(datagram) == 1);
  const auto found = errors(*sockets.sender);
  REQUIRE(found.size() == 1);
  CHECK(found[0].path.remote == sockets.to);
}

TEST_CASE("a pending error of one peer does not stop datagrams for others") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  const auto third = make_backend();
  const Address gone = third->open(address("127.0.0.1:0")).value();
  third->close(gone);
  Datagram lost = sockets.datagram("nobody");
  lost.path.remote = gone;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(sockets.send(lost) == 1);
    REQUIRE(sockets.send(sockets.datagram("somebody")) == 1);
  }
  CHECK(receive(*sockets.receiver, 10).size() == 10);
  const auto found = errors(*sockets.sender);
  REQUIRE_FALSE(found.empty());
  CHECK(std::ranges::all_of(found, [&](const auto& e) { return e.path.remote == gone; }));
}

TEST_CASE("a destination without a route is a path error and counts as sent") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  Datagram datagram = sockets.datagram("nowhere");
  const Address any = sockets.sender->open(address("0.0.0.0:0")).value();
  datagram.path.local = address("203.0.113.1:0").with_port(any.port());  // not ours
  REQUIRE(sockets.send(datagram) == 1);
  const auto found = errors(*sockets.sender);
  REQUIRE(found.size() == 1);
  CHECK(found[0].path == datagram.path);
  CHECK(found[0].error == Error{Error::Domain::system, ENETUNREACH});
  CHECK(sockets.sender->capabilities().max_send_segments ==
        make_backend()->capabilities().max_send_segments);
}

TEST_CASE("a datagram too large for the interface is lost, not fragmented") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  const std::string huge(65508, 'x');
  REQUIRE(sockets.send(sockets.datagram(huge)) == 1);
  REQUIRE(sockets.send(sockets.datagram("small")) == 1);
  const auto arrivals = receive(*sockets.receiver, 1);
  REQUIRE(arrivals.size() == 1);
  CHECK(arrivals[0].payload == "small");
  CHECK_FALSE(sockets.sender->capabilities().may_fragment);
}

TEST_CASE("a port in use is an error that names the address") {
  QUOIN_EACH_BACKEND;
  Sockets sockets;
  const auto again = sockets.receiver->open(sockets.from);
  REQUIRE_FALSE(again);
  CHECK(again.error() == Error{Error::Domain::system, EADDRINUSE});
  CHECK(again.error().message().find(sockets.from.to_string()) != std::string::npos);
  CHECK(sockets.receiver->open(address("203.0.113.1:0")).error() ==
        Error{Error::Domain::system, EADDRNOTAVAIL});
}

TEST_CASE("0.0.0.0 and [::] can be open on one port side by side") {
  QUOIN_EACH_BACKEND;
  if (!has_ipv6()) {
    SKIP("no IPv6 here");
  }
  const auto server = make_backend();
  const auto client = make_backend();
  const Address any4 = server->open(address("0.0.0.0:0")).value();
  const Address any6 = server->open(address("[::]:0").with_port(any4.port())).value();
  CHECK(any6.port() == any4.port());
  for (const char* host : {"127.0.0.1:0", "[::1]:0"}) {
    const Address from = client->open(address(host)).value();
    const Datagram ping{.path = {.local = from, .remote = address(host).with_port(any4.port())},
                        .payload = as_bytes("ping")};
    REQUIRE(client->send({&ping, 1}) == 1);
    const auto there = receive(*server, 1);
    REQUIRE(there.size() == 1);
    CHECK(there[0].path == Path{.local = ping.path.remote, .remote = from});
  }
}

TEST_CASE("waiting ends at the deadline, not before") {
  QUOIN_EACH_BACKEND;
  const auto backend = make_backend();
  const Time start = backend->now();
  backend->wait(start + 1500us);
  CHECK(backend->now() >= start + 1500us);
  CHECK(backend->now() < start + 5s);
  backend->wait(start);  // past
}

TEST_CASE("another thread can wake a loop that waits for ever") {
  QUOIN_EACH_BACKEND;
  Loop loop{make_backend()};
  const std::jthread other{[&] { loop.post([&] { loop.stop(); }); }};
  loop.run();
  const std::jthread another{[&] { loop.stop(); }};
  loop.run();
}

TEST_CASE("a backend on sockets does what every backend must do, in both families") {
  QUOIN_EACH_BACKEND;
  const auto a = make_backend();
  const auto b = make_backend();
  std::vector<io::ConformanceSubject::Hosts> hosts{
      {.a = address("127.0.0.1:0"), .b = address("127.0.0.2:0")}};
  if (has_ipv6()) {
    hosts.push_back({.a = address("[::1]:0"), .b = address("[::1]:0")});
  }
  check_conformance({.a = *a, .b = *b, .hosts = hosts});
}

TEST_CASE("a foreign event loop that watches the descriptor and the deadline drives quoin") {
  QUOIN_EACH_BACKEND;
  Loop loop{make_backend()};
  FakeDriver server;
  FakeDriver client;
  const Address to = open_socket(loop, server, address("127.0.0.1:0")).value();
  const Address from = open_socket(loop, client, address("127.0.0.1:0")).value();
  bool rang = false;
  bool posted = false;
  std::jthread other;
  server.on_datagram = [&](const Datagram&) { loop.after(2ms, [&] { rang = true; }); };
  loop.turn();
  client.outgoing.push_back({.path = {.local = from, .remote = to}, .payload = "hello"});
  wake_driver(loop, client);
  const Time end = loop.now() + patience;
  while (!posted && loop.now() < end) {
    const auto deadline = loop.deadline();
    const Duration left = deadline ? *deadline - loop.now() : patience;
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    pollfd watched{.fd = loop.descriptor(), .events = POLLIN, .revents = 0};
    (void)::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(milliseconds, 0)));
    loop.turn();
    if (rang && !other.joinable()) {
      other = std::jthread{[&] { loop.post([&] { posted = true; }); }};
    }
  }
  CHECK(server.received.size() == 1);
  CHECK(posted);
  pollfd watched{.fd = loop.descriptor(), .events = POLLIN, .revents = 0};
  CHECK(::poll(&watched, 1, 0) == 0);  // nothing is left that would make the foreign loop spin
  detach(loop, server);
  detach(loop, client);
}

TEST_CASE("a loop on real sockets echoes a megabyte of trains") {
  QUOIN_EACH_BACKEND;
  Loop loop{make_backend()};
  FakeDriver server;
  FakeDriver client;
  const Address to = open_socket(loop, server, address("127.0.0.1:0")).value();
  const Address from = open_socket(loop, client, address("127.0.0.1:0")).value();
  server.on_datagram = [&](const Datagram& datagram) {
    server.outgoing.push_back({.path = datagram.path,
                               .payload = std::string{as_text(datagram.payload)},
                               .segment_size = datagram.segment_size});
  };
  std::size_t echoed = 0;
  constexpr std::size_t trains = 20;
  const std::string payload = train(40, 1200);
  client.on_datagram = [&](const Datagram& datagram) {
    echoed += datagram.payload.size();
    if (echoed == trains * payload.size()) {
      loop.stop();
    }
  };
  for (std::size_t i = 0; i < trains; ++i) {
    client.outgoing.push_back(
        {.path = {.local = from, .remote = to}, .payload = payload, .segment_size = 1200});
  }
  wake_driver(loop, client);
  loop.after(patience, [&] { loop.stop(); });
  loop.run();
  CHECK(echoed == trains * payload.size());
  detach(loop, server);
  detach(loop, client);
}

}  // namespace quoin::test
