// SPDX-License-Identifier: MIT
/// Redirects: which are followed, with what method, body and headers.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/client.hpp>
#include <quoin/server.hpp>

#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;

namespace {

/// A server that redirects as the query says ("status", "to" being the rest) and one that shows
/// what it was asked.
struct RedirectWorld : HttpWorld {
  RedirectWorld() {
    for (const std::string method : {"GET", "POST", "PUT", "HEAD"}) {
      server->route(method, "/go/{status}", [](Request request, Response response) {
        const std::string_view path = request.path();
        response.status(std::stoi(std::string{path.substr(4)}));
        response.header("location", request.header("x-to"));
        response.end("moved");
      });
      server->route(method, "/show", [](Request request, Response response) {
        std::string text{request.method()};
        for (const std::string_view name : {"authorization", "cookie", "content-type", "x-to"}) {
          if (!request.header(name).empty()) text += ' ' + std::string{name};
        }
        request.read_body(1000, [text, response](Result<std::string> body) mutable {
          response.end(text + " [" + body.value_or("?") + ']');
        });
      });
    }
    server->get("/loop", [](Request, Response response) {
      response.status(302).header("location", "/loop").end();
    });
    REQUIRE(client->resolve("a.example", 4433, Address::parse("10.0.0.1:4433").value()));
  }

  Result<Reply> go(std::string method, int status, const std::string& to, RequestBody body = {}) {
    Headers headers;
    headers.add("x-to", to);
    headers.add("authorization", "secret");
    headers.add("cookie", "secret");
    headers.add("content-type", "text/plain");
    ClientRequest request{.method = std::move(method),
                          .url = "/go/" + std::to_string(status),
                          .headers = std::move(headers),
                          .body = std::move(body)};
    request.max_redirects = 5;
    return fetch(std::move(request));
  }
};

}  // namespace

// RFC 9110 §15.4.
TEST_CASE("the method after a redirect is what RFC 9110 says") {
  struct Case {
    std::string method;
    int status;
    std::string shown;
  };

  const std::string all = " authorization cookie content-type x-to ";
  const std::string bare = " authorization cookie x-to ";
  const std::vector<Case> cases{
      {"GET", 301, "GET" + all + "[]"},        {"GET", 302, "GET" + all + "[]"},
      {"GET", 303, "GET" + all + "[]"},        {"GET", 307, "GET" + all + "[]"},
      {"GET", 308, "GET" + all + "[]"},        {"POST", 301, "GET" + bare + "[]"},
      {"POST", 302, "GET" + bare + "[]"},      {"POST", 303, "GET" + bare + "[]"},
      {"POST", 307, "POST" + all + "[hello]"}, {"POST", 308, "POST" + all + "[hello]"},
      {"PUT", 301, "PUT" + all + "[hello]"},   {"PUT", 302, "PUT" + all + "[hello]"},
      {"PUT", 303, "GET" + bare + "[]"},       {"PUT", 307, "PUT" + all + "[hello]"},
  };
  RedirectWorld world;
  for (const Case& one : cases) {
    INFO(one.method << ' ' << one.status);
    const auto reply = world.go(one.method, one.status, "../show",
                                one.method == "GET" ? RequestBody{} : RequestBody{"hello"});
    REQUIRE(reply.has_value());
    CHECK(reply->body == one.shown);
    CHECK(reply->url == "https://10.0.0.1:4433/show");
    CHECK(reply->redirects == 1);
  }
  CHECK(world.client->stats().redirects == cases.size());
}

TEST_CASE("secrets do not follow a redirect to another origin") {
  RedirectWorld world;
  const auto reply = world.go("GET", 302, "https://a.example:4433/show");
  REQUIRE(reply.has_value());
  CHECK(reply->body == "GET content-type x-to []");
  CHECK(reply->url == "https://a.example:4433/show");
}

TEST_CASE("redirects that lead in circles end with an error") {
  RedirectWorld world;
  ClientRequest request{.method = "GET", .url = "/loop", .headers = {}, .body = {}};
  request.max_redirects = 5;
  const auto reply = world.fetch(std::move(request));
  REQUIRE_FALSE(reply.has_value());
  CHECK(reply.error() == Error{UsageError::limit_reached});
  CHECK(reply.error().detail().contains("more than 5 redirects"));
  CHECK(world.client->stats().redirects == 5);
  CHECK(world.client->stats().open_requests == 0);
}

TEST_CASE("a redirect is the reply where none are followed, or it cannot be") {
  RedirectWorld world;
  const Reply plain = world.get("/loop");
  CHECK(plain.status == 302);
  CHECK(plain.redirects == 0);
  CHECK(world.go("GET", 302, "http://a.example/").value().status == 302);
  CHECK(world.go("GET", 304, "/show").value().status == 304);
  CHECK(world.go("POST", 307, "/show", RequestBody{writer_of("hello")}).value().status == 307);
}
