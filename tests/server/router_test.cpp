// SPDX-License-Identifier: MIT
/// Which pattern a path is matched by.
#include "server/router.hpp"

#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include <quoin/request.hpp>

using quoin::Match;
using quoin::Request;
using quoin::Response;
using quoin::Router;

namespace {

// A router whose handlers leave their pattern here.
std::string called;

void add(Router& router, std::string_view method, const std::string& pattern) {
  router.add(method, pattern, [pattern](Request, Response) { called = pattern; });
}

std::string pattern_of(const Router& router, std::string_view method, std::string_view path) {
  const Match match = router.find(method, path);
  if (!match.handler) return "none, allowed: " + match.allow;
  (*match.handler)({}, {});
  return called;
}

}  // namespace

TEST_CASE("text is preferred to a parameter and a parameter to the rest of a path") {
  Router router;
  for (const char* pattern : {"/", "/items", "/items/{id}", "/items/new", "/items/{id}/parts",
                              "/items/*", "/{any}/new", "/*"}) {
    add(router, "GET", pattern);
  }
  CHECK(pattern_of(router, "GET", "/") == "/");
  CHECK(pattern_of(router, "GET", "/items") == "/items");
  CHECK(pattern_of(router, "GET", "/items/new") == "/items/new");
  CHECK(pattern_of(router, "GET", "/items/7") == "/items/{id}");
  CHECK(pattern_of(router, "GET", "/items/7/parts") == "/items/{id}/parts");
  CHECK(pattern_of(router, "GET", "/items/7/other") == "/items/*");
  CHECK(pattern_of(router, "GET", "/items/") == "/items/*");
  CHECK(pattern_of(router, "GET", "/x/new") == "/{any}/new");
  CHECK(pattern_of(router, "GET", "/x/y/z") == "/*");
}

TEST_CASE("parameters are the decoded text of their segment") {
  Router router;
  add(router, "GET", "/a/{x}/{y}/*");
  const Match match = router.find("GET", "/a/1%2F2/%zz/r/%C3%BC");
  REQUIRE(match.parameters.size() == 3);
  CHECK(match.parameters[0] == std::pair<std::string, std::string>{"x", "1/2"});
  CHECK(match.parameters[1] == std::pair<std::string, std::string>{"y", "%zz"});
  CHECK(match.parameters[2] == std::pair<std::string, std::string>{"*", "r/ü"});
  CHECK_FALSE(router.find("GET", "/a//y/").handler);
}

TEST_CASE("a less exact pattern with the method is better than none") {
  Router router;
  add(router, "GET", "/a");
  add(router, "POST", "/{x}");
  CHECK(pattern_of(router, "POST", "/a") == "/{x}");
  CHECK(pattern_of(router, "PUT", "/a") == "none, allowed: GET, HEAD, POST");
  CHECK(pattern_of(router, "GET", "/a/b") == "none, allowed: ");
}

TEST_CASE("HEAD is a GET unless it has a handler of its own") {
  Router router;
  add(router, "GET", "/a");
  CHECK(pattern_of(router, "HEAD", "/a") == "/a");
  router.add("HEAD", "/a", [](Request, Response) { called = "own"; });
  CHECK(pattern_of(router, "HEAD", "/a") == "own");
}

TEST_CASE("what is no path matches nothing") {
  Router router;
  add(router, "OPTIONS", "/*");
  CHECK_FALSE(router.find("OPTIONS", "*").handler);
  CHECK_FALSE(router.find("OPTIONS", "").handler);
}

TEST_CASE("a pattern that begins with a host is for that host and goes before the others") {
  Router router;
  add(router, "GET", "/*");
  add(router, "GET", "/a");
  add(router, "GET", "B.example/{page}");
  add(router, "POST", "b.example/form");
  const auto found = [&](std::string_view method, std::string_view path, std::string_view host) {
    const Match match = router.find(method, path, host);
    if (!match.handler) return "none, allowed: " + match.allow;
    (*match.handler)({}, {});
    return called;
  };
  CHECK(found("GET", "/a", "b.example") == "B.example/{page}");
  CHECK(found("GET", "/a", "b.EXAMPLE.") == "B.example/{page}");
  CHECK(found("GET", "/a/b", "b.example") == "/*");
  CHECK(found("GET", "/a", "c.example") == "/a");
  CHECK(found("GET", "/a", "") == "/a");
  CHECK(found("POST", "/form", "b.example") == "b.example/form");
  CHECK(found("POST", "/form", "c.example") == "none, allowed: GET, HEAD");
}
