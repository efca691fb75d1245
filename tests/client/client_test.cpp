// SPDX-License-Identifier: MIT
/// What a client does when things are not as they should be: names, silence, refusals, ends.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/server.hpp>
#include <quoin/url.hpp>

#include "support/http_world.hpp"
#include "support/shorthand.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

TEST_CASE("a URL that cannot be fetched is refused with its text, and never within the call") {
  HttpWorld world;
  for (const std::string url : {"http://a.example/", "https://", "https://u:p@a.example/", "a b"}) {
    INFO(url);
    const Result<Reply> reply = world.fetch(get_of(url));
    REQUIRE_FALSE(reply.has_value());
    CHECK(reply.error() == Error{UsageError::invalid_argument});
    CHECK(reply.error().message().contains(url));
  }
  CHECK(world.client->stats().requests_failed == 4);
}

TEST_CASE("a name is looked up once, and its certificate checked against the name") {
  ClientConfig config;
  std::vector<std::string> asked;
  config.resolver = [&](const std::string& host, std::uint16_t port, ResolveDone done) {
    asked.push_back(host + ':' + std::to_string(port));
    if (host == "nowhere.example") {
      done(std::unexpected(Error{LocalError::name_resolution, host + ": no such name"}));
    } else {
      done(std::vector{address("10.0.0.1:4433")});
    }
  };
  HttpWorld world{{.seed = 1, .server = {}, .client = std::move(config)}};
  world.server->get("/", [](Request request, Response response) {
    response.end(std::string{request.authority()});
  });
  CHECK(world.fetch(get_of("https://a.example:4433/")).value().body == "a.example:4433");
  CHECK(world.fetch(get_of("https://A.Example:4433/")).value().timing.reused);
  CHECK(asked == std::vector<std::string>{"a.example:4433"});
  const auto other = world.fetch(get_of("https://b.example:4433/"));
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error() == Error{LocalError::certificate_name});
  CHECK(other.error().detail().contains("b.example"));
  const auto nowhere = world.fetch(get_of("https://nowhere.example/"));
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error() == Error{LocalError::name_resolution});
}

TEST_CASE("resolve() overrides the look-up but not the certificate's name") {
  ClientConfig config;
  config.resolver = [](const std::string&, std::uint16_t, ResolveDone) { FAIL("was asked"); };
  HttpWorld world{{.seed = 1, .server = {}, .client = std::move(config)}};
  world.server->get("/", [](Request, Response response) { response.end("here"); });
  REQUIRE(world.client->resolve("a.example", 4433, address("10.0.0.1:0")));
  CHECK(world.fetch(get_of("https://a.example:4433/")).value().body == "here");
}

TEST_CASE("resolve() takes a host in any form that a URL may have, and nothing else") {
  HttpWorld world{{.seed = 1}};
  world.server->get("/", [](Request, Response response) { response.end("here"); });
  const Address server = address("10.0.0.1:0");
  REQUIRE(world.client->resolve("A.EXAMPLE.", 4433, server));
  REQUIRE(world.client->resolve("[2001:DB8::0:7]", 4433, server));
  REQUIRE(world.client->resolve("2001:db8::8", 4433, server));
  CHECK(world.fetch(get_of("https://a.example:4433/")).value().body == "here");
  for (const char* const host : {"[2001:db8::7]", "[2001:db8::8]"}) {
    const auto reply = world.fetch(get_of("https://" + std::string{host} + ":4433/"));
    REQUIRE_FALSE(reply.has_value());
    CHECK(reply.error() == Error{LocalError::certificate_name});  // it was asked, then
  }
  for (const char* const host :
       {"", "a b", "a.example:443", "a/b", "a#b", "[::1", "1.2.3", "::x"}) {
    INFO(host);
    const Result<> refused = world.client->resolve(host, 443, server);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == Error{UsageError::invalid_argument});
    CHECK(refused.error().detail().contains('"' + std::string{host} + '"'));
  }
  const Result<> beyond_ascii = world.client->resolve("b\u00fccher.example", 443, server);
  CHECK(beyond_ascii.has_value() == Url::parse("https://b\u00fccher.example/").has_value());
}

TEST_CASE("a port with nobody behind is refused at once, silence when the time is up") {
  ClientConfig config;
  config.connect_timeout = 3s;
  HttpWorld world{{.seed = 1, .server = {}, .client = std::move(config)}};
  const Time begin = world.network.now();
  const auto refused = world.fetch(get_of("https://10.0.0.1:5555/"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() == Error{Error::Domain::system, ECONNREFUSED});
  CHECK(refused.error().detail().contains("10.0.0.1:5555"));
  CHECK(world.network.now() - begin < 100ms);
  world.network.link_both("10.0.0.1", "10.0.0.2", {.down = true});
  const Time middle = world.network.now();
  const auto silent = world.fetch(get_of("https://10.0.0.1:4433/"));
  REQUIRE_FALSE(silent.has_value());
  CHECK(silent.error() == Error{LocalError::no_answer});
  CHECK(world.network.now() - middle < 4s);
}

TEST_CASE("the next address is tried when one does not answer") {
  ClientConfig config;
  config.connect_timeout = 4s;
  config.resolver = [](const std::string&, std::uint16_t, ResolveDone done) {
    done(std::vector{address("10.0.0.1:5555"), address("10.9.9.9:4433"), address("10.0.0.1:4433")});
  };
  HttpWorld world{{.seed = 1, .server = {}, .client = std::move(config)}};
  world.server->get("/", [](Request, Response response) { response.end("third"); });
  std::vector<std::string> tried;
  world.client->on_connecting(
      [&](std::string_view, const Address& remote) { tried.push_back(remote.to_string()); });
  CHECK(world.fetch(get_of("https://a.example:4433/")).value().body == "third");
  CHECK(tried.size() == 3);
}

TEST_CASE("a server that vanishes in the middle of a reply is noticed") {
  HttpWorld world;
  world.server->get("/", [](Request, Response response) {
    response.stream([](std::span<std::byte> room) { return Filled{.bytes = room.size()}; });
  });
  std::optional<Result<Reply>> outcome;
  ClientCallbacks callbacks;
  std::size_t received = 0;
  callbacks.on_data = [&](Bytes chunk, bool) {
    received += chunk.size();
    if (received > 500'000) world.network.link_both("10.0.0.1", "10.0.0.2", {.down = true});
    return chunk.size();
  };
  callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
  world.client->request(get_of(HttpWorld::url("/")), std::move(callbacks));
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 2min));
  REQUIRE_FALSE(outcome->has_value());
  CHECK(outcome->error() == Error{LocalError::idle_timeout});
}

TEST_CASE("a request may take so long and no longer") {
  HttpWorld world;
  world.server->get("/never", [](Request, Response) {});
  ClientRequest request = get_of("/never");
  request.timeout = 2s;
  const Time begin = world.network.now();
  const auto reply = world.fetch(std::move(request));
  REQUIRE_FALSE(reply.has_value());
  CHECK(reply.error() == Error{LocalError::request_timeout});
  CHECK(world.network.now() - begin < 2100ms);
}

TEST_CASE("requests that are cancelled are over at once, wherever they are") {
  HttpWorld world;
  world.server->get("/never", [](Request, Response) {});
  int cancelled = 0;
  std::vector<Call> calls;
  for (int i = 0; i < 200; ++i) {  // more than the server has streams for
    calls.push_back(world.client->get(HttpWorld::url("/never"), [&](Result<Reply> reply) {
      if (!reply && reply.error() == Error{HttpError::request_cancelled}) ++cancelled;
    }));
  }
  world.network.run_for(1s);
  for (Call& call : calls) call.cancel();
  CHECK(cancelled == 0);
  REQUIRE(world.network.run_until([&] { return cancelled == 200; }, 1s));
  CHECK(world.client->stats().open_requests == 0);
  REQUIRE(world.network.run_until([&] { return world.server->stats().open_requests == 0; }, 5s));
}

TEST_CASE("a connection that died while idle is replaced without a word") {
  HttpWorld world;
  const auto page = [](Request, Response response) { response.end("page"); };
  world.server->get("/", page);
  CHECK(world.get("/").body == "page");
  // A restart without goodbye: the new process knows nothing of the connection.
  world.network.link_both("10.0.0.1", "10.0.0.2", {.down = true});
  world.server.emplace(world.network.host("10.0.0.1"), world.tls);
  REQUIRE(world.server->listen("10.0.0.1:4433").has_value());
  world.server->get("/", page);
  world.network.run_for(1s);
  world.network.link_both("10.0.0.1", "10.0.0.2", {});
  CHECK(world.get("/").body == "page");
  CHECK(world.client->stats().connections == 2);
}

TEST_CASE("a client moves to another address in the middle of a reply") {
  HttpWorld world;
  world.network.add_address("10.0.0.2", "10.0.0.3");
  const std::string body = pattern(4'000'000);
  world.server->get("/", [&](Request, Response response) { response.end(body); });
  std::optional<Result<Reply>> outcome;
  world.client->get(HttpWorld::url("/"), [&](Result<Reply> reply) { outcome = std::move(reply); });
  REQUIRE(world.client->migrate(address("10.0.0.3:5000")).has_value());
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 30s));
  REQUIRE(outcome->has_value());
  CHECK((*outcome)->body == body);
  REQUIRE(world.client->connections().size() == 1);
  CHECK(world.client->connections()[0].path.local == address("10.0.0.3:5000"));
}

TEST_CASE("a download goes on when the NAT before the client forgets it in a pause") {
  HttpWorld world;
  world.network.nat("10.0.0.2", "203.0.113.1");
  Loop& server = world.network.host("10.0.0.1");
  world.server->get("/", [&](Request, Response response) {
    response.stream(
        [sent = 0, now = world.network.now(), &world](std::span<std::byte> room) mutable {
          if (sent == 1 && world.network.now() - now < 7s) return Filled{};
          room[0] = std::byte{'x'};
          return Filled{.bytes = 1, .last = ++sent == 2};
        });
    server.after(7s, [response]() mutable { response.resume(); });
  });
  std::optional<Result<Reply>> outcome;
  world.client->get(HttpWorld::url("/"), [&](Result<Reply> reply) { outcome = std::move(reply); });
  world.network.after(1s, [&] { world.network.rebind("10.0.0.2"); });
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 10s));
  REQUIRE(outcome->has_value());
  CHECK((*outcome)->body == "xx");
  // Nothing keeps the connection up when no request is open.
  std::optional<Error> end;
  world.client->on_disconnected([&](const ConnectionInfo& info) { end = info.reason; });
  REQUIRE(world.network.run_until([&] { return end.has_value(); }, 40s));
}

TEST_CASE("connections are announced with what was agreed on, and with their end") {
  ClientConfig config;
  config.quic.max_idle_timeout = 5s;
  HttpWorld world{{.seed = 1, .server = {}, .client = std::move(config)}};
  world.server->get("/", [](Request, Response response) { response.end("page"); });
  std::optional<ConnectionInfo> up;
  std::optional<ConnectionInfo> down;
  std::optional<ConnectionInfo> accepted;
  world.client->on_connected([&](const ConnectionInfo& info) { up = info; });
  world.client->on_disconnected([&](const ConnectionInfo& info) { down = info; });
  world.server->on_connected([&](const ConnectionInfo& info) { accepted = info; });
  (void)world.get("/");
  REQUIRE(up.has_value());
  CHECK(up->host == "10.0.0.1:4433");
  CHECK(up->tls.alpn == "h3");
  CHECK(up->tls.version == "TLSv1.3");
  CHECK(up->path.remote == address("10.0.0.1:4433"));
  REQUIRE(accepted.has_value());
  CHECK(accepted->path.remote.host() == "10.0.0.2");
  REQUIRE(world.network.run_until([&] { return down.has_value(); }, 10s));
  CHECK(down->reason == Error{LocalError::idle_timeout});
}

TEST_CASE("a client that is closed finishes what it has begun and takes nothing new") {
  HttpWorld world;
  world.server->get("/", [&](Request, Response response) {
    world.network.host("10.0.0.1").after(1s, [response]() mutable { response.end("page"); });
  });
  std::optional<Result<Reply>> outcome;
  bool closed = false;
  bool gone = false;
  world.server->on_disconnected([&](const ConnectionInfo&) { gone = true; });
  world.client->get(HttpWorld::url("/"), [&](Result<Reply> reply) { outcome = std::move(reply); });
  world.network.run_for(200ms);
  world.client->shutdown(5s, [&] { closed = true; });
  const auto late = world.fetch(get_of("/"));
  CHECK(late.error() == Error{UsageError::closed});
  REQUIRE(world.network.run_until([&] { return closed; }, 5s));
  REQUIRE(outcome.has_value());
  CHECK(outcome->value().body == "page");
  REQUIRE(world.network.run_until([&] { return gone; }, 5s));
}

TEST_CASE("settings out of range fail the requests and say which") {
  ClientConfig config;
  config.connect_timeout = 0s;
  HttpWorld world{{.seed = 1, .server = {}, .client = std::move(config)}};
  const auto reply = world.fetch(get_of("/"));
  REQUIRE_FALSE(reply.has_value());
  CHECK(reply.error().detail().contains("connect_timeout"));
}

TEST_CASE("a slow reader gets all that had arrived when the server has said goodbye") {
  HttpWorld world;
  const std::string body = pattern(200'000);  // fits into the window
  world.server->get("/", [&](Request, Response response) { response.end(body); });
  std::optional<Result<Reply>> outcome;
  std::string received;
  bool ready = false;
  bool gone = false;
  world.client->on_disconnected([&](const ConnectionInfo&) { gone = true; });
  ClientCallbacks callbacks;
  callbacks.on_data = [&](Bytes chunk, bool) {
    const std::size_t taken = ready ? std::min<std::size_t>(chunk.size(), 30'000) : 0;
    received += as_text(chunk.first(taken));
    return taken;
  };
  callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
  Call call = world.client->request(get_of(HttpWorld::url("/")), std::move(callbacks));
  world.network.run_for(1s);
  world.server->shutdown(5s);
  REQUIRE(world.network.run_until([&] { return gone; }, 10s));
  world.network.run_for(5s);  // until nothing is left of the connection
  CHECK_FALSE(outcome.has_value());
  ready = true;
  while (!outcome && received.size() < body.size()) {
    call.resume();
    world.network.run_for(1ms);
  }
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->has_value());
  CHECK(received == body);
  CHECK(world.client->stats().open_requests == 0);
}

TEST_CASE("a reader that never takes the rest of a reply is given up, connection or not") {
  ClientConfig config;
  config.stream_idle_timeout = 20s;
  HttpWorld world{{.seed = 1, .server = {}, .client = std::move(config)}};
  world.server->get("/", [&](Request, Response response) { response.end(pattern(1000)); });
  std::optional<Result<Reply>> outcome;
  ClientCallbacks callbacks;
  callbacks.on_data = [&](Bytes, bool) { return std::size_t{0}; };
  callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
  world.client->request(get_of(HttpWorld::url("/")), std::move(callbacks));
  world.network.run_for(1s);
  world.server->shutdown(1s);
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 1min));
  REQUIRE_FALSE(outcome->has_value());
  CHECK(outcome->error() == Error{LocalError::request_timeout});
}
