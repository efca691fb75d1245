// SPDX-License-Identifier: MIT
/// HTTP datagrams between server and client (RFC 9297), on networks that lose some.
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>

#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

HttpOptions options(bool at_server = true) {
  HttpOptions made;
  made.server.h3.datagrams = at_server;
  made.client.h3.datagrams = true;
  return made;
}

/// A request that stays open until end(), with a record of its datagrams.
struct Talk {
  explicit Talk(HttpWorld& world, bool listens = true) {
    ClientCallbacks callbacks;
    callbacks.on_headers = [this](int, const Headers&) {
      if (on_open) on_open();
    };
    if (listens) {
      callbacks.on_datagram = [this](Bytes data) { received.insert(std::string{as_text(data)}); };
    }
    callbacks.done = [this](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
    call = world.client->request(
        {.method = "POST", .url = HttpWorld::url("/"), .body = {[this](std::span<std::byte>) {
                                                         return Filled{.bytes = 0, .last = over};
                                                       }}},
        std::move(callbacks));
  }

  void end() {
    over = true;
    call.resume();
  }

  std::function<void()> on_open;
  std::multiset<std::string> received;
  std::optional<Result<Reply>> outcome;
  Call call;
  bool over = false;
};

/// Sends datagrams back, and ends when the client does.
void echo(Request request, Response response) {
  request.on_datagram([response](Bytes data) mutable { (void)response.send_datagram(data); });
  auto over = std::make_shared<bool>(false);
  request.on_body([=](Bytes chunk, bool last) mutable {
    *over = last;
    response.resume();
    return chunk.size();
  });
  response.stream([over](std::span<std::byte>) { return Filled{.bytes = 0, .last = *over}; });
}

}  // namespace

TEST_CASE("datagrams of a request go both ways beside its body, and some are lost") {
  HttpWorld world{options()};
  world.server->post("/", echo);
  Talk talk{world};
  talk.on_open = [&] {
    world.network.link_both("10.0.0.1", "10.0.0.2", {.delay = 5ms, .loss = 0.2});
    for (int i = 0; i < 50; ++i) {
      // One in each packet.
      const std::string text = std::to_string(i) + std::string(1000, '.');
      CHECK(talk.call.send_datagram(as_bytes(text)).has_value());
    }
  };
  world.network.run_for(2s);
  CHECK(talk.received.size() > 10);
  CHECK(talk.received.size() < 50);
  CHECK(std::set<std::string>{talk.received.begin(), talk.received.end()}.size() ==
        talk.received.size());
  const std::size_t most = talk.call.max_datagram_size();
  CHECK(most > 1000);
  CHECK(talk.call.send_datagram(as_bytes(std::string(most + 1, 'x'))).error() ==
        Error{UsageError::too_large});
  talk.end();
  REQUIRE(world.network.run_until([&] { return talk.outcome.has_value(); }, 5s));
  CHECK(talk.outcome->has_value());
  CHECK(talk.call.send_datagram({}).error() == Error{UsageError::stale_handle});
  CHECK(talk.call.max_datagram_size() == 0);
}

TEST_CASE("datagrams that one side does not take are refused before they are sent") {
  HttpWorld world{options(false)};
  std::optional<Error> at_server;
  world.server->post("/", [&](Request request, Response response) {
    at_server = response.send_datagram({}).error();
    echo(request, response);
  });
  Talk talk{world};
  CHECK(talk.call.send_datagram({}).error() == Error{UsageError::unsupported});  // not yet sent
  std::optional<Error> at_client;
  talk.on_open = [&] { at_client = talk.call.send_datagram({}).error(); };
  world.network.run_for(1s);
  CHECK(at_client == Error{UsageError::unsupported});
  CHECK(at_server == Error{UsageError::unsupported});
}

TEST_CASE("a request that is not for datagrams ends with the first one, on either side") {
  HttpWorld world{options()};
  SECTION("the server takes none") {
    world.server->post("/", [](Request, Response response) {
      response.stream([](std::span<std::byte>) { return Filled{}; });
    });
    Talk talk{world};
    talk.on_open = [&] { REQUIRE(talk.call.send_datagram(as_bytes("x"))); };
    REQUIRE(world.network.run_until([&] { return talk.outcome.has_value(); }, 5s));
    CHECK(talk.outcome->error() == Error{h3::datagram_error});
  }
  SECTION("the client takes none") {
    world.server->post("/", [](Request request, Response response) {
      echo(request, response);
      CHECK(response.send_datagram(as_bytes("x")));
    });
    Talk talk{world, false};
    REQUIRE(world.network.run_until([&] { return talk.outcome.has_value(); }, 5s));
    CHECK(talk.outcome->error() == Error{h3::datagram_error});
  }
}

TEST_CASE("a handler of datagrams that throws resets its request and nothing else") {
  HttpWorld world{options()};
  world.server->get("/", [](Request, Response response) { response.end("alive"); });
  world.server->post("/", [](Request request, Response response) {
    echo(request, response);
    request.on_datagram([](Bytes) { throw std::runtime_error{"no"}; });
  });
  Talk talk{world};
  talk.on_open = [&] { REQUIRE(talk.call.send_datagram(as_bytes("x"))); };
  REQUIRE(world.network.run_until([&] { return talk.outcome.has_value(); }, 5s));
  CHECK(talk.outcome->error() == Error{HttpError::internal_error});
  CHECK(world.get("/").body == "alive");
}

TEST_CASE("a handler of datagrams that throws before the response has begun makes a 500 of it") {
  HttpWorld world{options()};
  world.server->post("/", [](Request request, Response response) {
    request.on_datagram([](Bytes) { throw 7; });
    response.inform(103);
  });
  std::optional<Result<Reply>> outcome;
  Call call;
  ClientCallbacks callbacks;
  callbacks.on_informational = [&](int, const Headers&) {
    REQUIRE(call.send_datagram(as_bytes("x")));
  };
  callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
  call = world.client->request(
      {.method = "POST",
       .url = HttpWorld::url("/"),
       .headers = {},
       .body = {[](std::span<std::byte>) { return Filled{}; }}},  // stays open
      std::move(callbacks));
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 5s));
  REQUIRE(outcome->has_value());
  CHECK((*outcome)->status == 500);
}

TEST_CASE("more datagrams than a sender may have waiting are refused, and the rest arrive") {
  HttpOptions made = options();
  made.client.quic.datagram_queue = 5;
  HttpWorld world{std::move(made)};
  world.server->post("/", echo);
  Talk talk{world};
  int sent = 0;
  talk.on_open = [&] {
    for (int i = 0; i < 100; ++i) {
      const auto result = talk.call.send_datagram(as_bytes(std::to_string(i)));
      if (result) {
        ++sent;
      } else {
        CHECK(result.error() == Error{UsageError::limit_reached});
      }
    }
  };
  world.network.run_for(1s);
  CHECK(sent == 5);
  CHECK(talk.received.size() == 5);
  CHECK(world.server->stats().datagrams_dropped == 0);
}
