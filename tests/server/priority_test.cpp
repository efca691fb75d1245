// SPDX-License-Identifier: MIT
/// Priorities (RFC 9218) on a link that is the bottleneck, in virtual time: who overtakes whom.
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/priority.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>

#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;
using quoin::Priority;

namespace {

constexpr std::size_t bulk = 1'000'000;
constexpr std::size_t small = 50'000;

/// A megabyte takes a second; each path answers with so many bytes.
struct Shop {
  Shop() {
    world.network.link_both("10.0.0.1", "10.0.0.2",
                            {.delay = 10ms, .bits_per_second = 8'000'000, .queue = 30'000});
    world.server->get("/{size}", [this](Request request, Response response) {
      const std::size_t size = std::stoul(std::string{request.parameter("size")});
      if (on_request) on_request(request, response);
      response.end(std::string(size, 'x'));
    });
    (void)world.get("/1");  // the connection is there
  }

  Call ask(const std::string& name, std::size_t size, std::optional<Priority> priority) {
    ++asked;
    return world.client->request(
        {.method = "GET", .url = HttpWorld::url('/' + std::to_string(size)), .priority = priority},
        [this, name, begin = world.network.now()](const Result<Reply>& reply) {
          REQUIRE(reply.has_value());
          order.push_back(name);
          took[name] = world.network.now() - begin;
        });
  }

  void finish() {
    REQUIRE(world.network.run_until([&] { return order.size() == asked; }, 1min));
  }

  HttpWorld world;
  std::function<void(Request, Response)> on_request;
  std::size_t asked = 0;
  std::vector<std::string> order;
  std::map<std::string, Duration> took;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("urgent responses overtake bulk ones that were asked for long before") {
  Shop shop;
  for (const char* name : {"bulk 1", "bulk 2", "bulk 3"}) {
    shop.ask(name, bulk, Priority{.urgency = 5, .incremental = true});
  }
  shop.world.network.run_for(500ms);
  shop.ask("background", small, Priority{.urgency = 7, .incremental = false});
  shop.ask("plain", small, std::nullopt);
  shop.ask("urgent", small, Priority{.urgency = 0, .incremental = false});
  shop.finish();
  CHECK(Names{shop.order.begin(), shop.order.begin() + 2} == Names{"urgent", "plain"});
  CHECK(shop.order.back() == "background");
  // 50 ms for its own bytes, 20 for the way, and what was in the queue of the link already.
  CHECK(shop.took["urgent"] < 400ms);
  CHECK(shop.took["plain"] < 500ms);
  CHECK(shop.took["bulk 1"] > 3s);
}

TEST_CASE("without a word about priority, responses come in the order of their requests") {
  Shop shop;
  for (const char* name : {"a", "b", "c"}) shop.ask(name, bulk, std::nullopt);
  shop.finish();
  CHECK(shop.order == Names{"a", "b", "c"});
  CHECK(shop.took["a"] < 1500ms);
  CHECK(shop.took["b"] > shop.took["a"] + 700ms);
  CHECK(shop.took["c"] > shop.took["b"] + 700ms);
}

TEST_CASE("incremental responses share the connection piece by piece") {
  Shop shop;
  for (const char* name : {"a", "b", "c"}) {
    shop.ask(name, bulk, Priority{.urgency = 3, .incremental = true});
  }
  shop.finish();
  // None is through much before the last one.
  CHECK(shop.took["a"] > shop.took["c"] - 300ms);
  CHECK(shop.took["b"] > shop.took["c"] - 300ms);
}

TEST_CASE("a client may change its mind while the responses are on their way") {
  Shop shop;
  shop.ask("first", bulk, std::nullopt);
  shop.ask("second", bulk, std::nullopt);
  Call late = shop.ask("third", bulk, std::nullopt);
  shop.world.network.run_for(300ms);
  CHECK(shop.order.empty());
  late.prioritize({.urgency = 1, .incremental = false});
  shop.finish();
  CHECK(shop.order == Names{"third", "first", "second"});
}

TEST_CASE("a request that was not sent yet takes the new priority with it") {
  Shop shop;
  std::vector<Priority> seen;
  shop.on_request = [&](const Request& request, const Response&) {
    seen.push_back(request.priority());
  };
  Call call = shop.ask("a", small, Priority{.urgency = 6, .incremental = false});
  call.prioritize({.urgency = 2, .incremental = true});
  shop.finish();
  CHECK(seen == std::vector{Priority{.urgency = 2, .incremental = true}});
  call.prioritize({});  // it is over: nothing happens
}

// RFC 9218 §8.
TEST_CASE("a server that knows better is not talked out of it") {
  Shop shop;
  shop.on_request = [](const Request& request, Response response) {
    const bool is_small = request.parameter("size") == std::to_string(small);
    response.prioritize({.urgency = static_cast<std::uint8_t>(is_small ? 0 : 6)});
    response.header("priority", request.priority().to_string());
  };
  Call large = shop.ask("bulk", bulk, Priority{.urgency = 0, .incremental = false});
  shop.world.network.run_for(300ms);
  shop.ask("small", small, Priority{.urgency = 7, .incremental = false});
  large.prioritize({.urgency = 0, .incremental = false});
  shop.finish();
  CHECK(shop.order == Names{"small", "bulk"});
  CHECK(HttpWorld::header(shop.world.get("/1"), "priority") == "u=6");
}
