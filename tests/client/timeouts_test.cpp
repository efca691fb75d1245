// SPDX-License-Identifier: MIT
/// The timers of a client over a whole session.
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>

#include "client/client_impl.hpp"
#include "support/walked_driver.hpp"

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

struct Walk {
  Walk() {
    server.get("/", [](Request, Response response) { response.end("hello"); });
    server.get("/later", [this](Request, Response response) { kept.push_back(response); });
    server.post("/", [this](Request request, Response response) {
      request.read_body(100, [](const Result<std::string>&) {});
      kept.push_back(response);
    });
    REQUIRE(server.listen("10.0.0.1:4433").has_value());
  }

  [[nodiscard]] static ClientConfig settings() {
    ClientConfig config;
    config.connect_timeout = 3s;
    config.first_byte_timeout = 6s;
    config.stream_idle_timeout = 4s;
    config.idle_connection_timeout = 5s;
    config.continue_timeout = 500ms;
    return config;
  }

  /// Adds the request's end to `ends`.
  void request(ClientRequest request) {
    if (request.url.starts_with('/')) request.url = "https://10.0.0.1:4433" + request.url;
    ClientCallbacks callbacks;
    callbacks.done = [this](Result<Reply> reply) {
      ends.push_back(reply ? Error{HttpError::no_error} : reply.error());
    };
    (void)client.begin(std::move(request), std::move(callbacks));
  }

  [[nodiscard]] bool has(std::size_t count, Duration limit) {
    return network.run_until([&] { return ends.size() == count; }, limit);
  }

  io::SimulatedNetwork network{1};
  Tls tls = Tls::self_signed(std::array<std::string, 1>{"10.0.0.1"}).value();
  std::vector<Response> kept;
  std::vector<Error> ends;
  Server server{network.host("10.0.0.1"), tls};
  Walked<Client::Impl> client{network.host("10.0.0.2"),
                              Tls::client_from_pem(tls.certificate_pem()).value(), settings()};
};

TEST_CASE("a client does by every timeout what it asked to be called for") {
  Walk walk;
  const Error timeout{LocalError::request_timeout};
  walk.request({.url = "/"});
  REQUIRE(walk.has(1, 5s));
  CHECK(walk.ends.back() == Error{HttpError::no_error});
  walk.request({.url = "/later", .timeout = 2s});  // of the whole request
  REQUIRE(walk.has(2, 2100ms));
  CHECK(walk.ends.back() == timeout);
  walk.request({.url = "/later"});  // nothing moves
  REQUIRE(walk.has(3, 5s));
  CHECK(walk.ends.back() == timeout);
  Headers expects;
  expects.add("expect", "100-continue");
  walk.request({.method = "POST", .url = "/", .headers = expects, .body = "body"});
  REQUIRE(walk.has(4, 7s));
  CHECK(walk.ends.back() == timeout);
  walk.request({.url = "https://10.0.0.9:4433/"});  // nobody is there
  REQUIRE(walk.has(5, 5s));
  CHECK_FALSE(walk.ends.back() == Error{HttpError::no_error});
  walk.network.run_for(8s);
  CHECK(walk.client.counted.connections_idle == 1);
  walk.request({.url = "/later", .timeout = 1h});
  bool done = false;
  walk.client.shutdown(1s, [&] { done = true; });
  REQUIRE(walk.network.run_until([&] { return done; }, 1100ms));
  CHECK(walk.ends.size() == 6);
  CHECK(walk.ends.back() == Error{UsageError::closed});
  walk.network.run_for(1min);
  CHECK(walk.client.served() > 0);
}

}  // namespace
}  // namespace quoin::test
