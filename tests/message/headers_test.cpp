// SPDX-License-Identifier: MIT
/// The field list, and what may be in it.
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/error.hpp>
#include <quoin/headers.hpp>

#include "message/validate.hpp"

using namespace quoin;
using quoin::Field;
using quoin::Headers;
using quoin::SectionKind;

TEST_CASE("Headers keep their order and store names in lower case") {
  Headers headers{{"B", "1"}, {"a", "2"}};
  headers.add("b", "3");
  std::string all;
  for (const Field& field : headers) {
    all += std::string{field.name} + "=" + std::string{field.value} + ";";
  }
  CHECK(all == "b=1;a=2;b=3;");
  CHECK(headers.size() == 3);
}

TEST_CASE("Headers are found without regard to case, the first of a name") {
  const Headers headers{{"accept", "x"}, {"Accept", "y"}, {"empty", ""}};
  CHECK(headers.get("ACCEPT") == "x");
  CHECK(headers.get("empty") == "");
  CHECK(!headers.get("accep"));
  CHECK(!Headers{}.get("accept"));
}

TEST_CASE("Setting a header replaces all of its name, even by a part of itself") {
  Headers headers{{"a", "1"}, {"b", "long enough to live on the heap, surely"}, {"A", "2"}};
  headers.set("a", "3");
  CHECK(headers.size() == 2);
  CHECK(headers.get("a") == "3");
  headers.set("b", headers.get("b").value_or("").substr(0, 4));
  CHECK(headers.get("b") == "long");
  headers.remove("B");
  CHECK(headers.size() == 1);
  headers.remove("nothing");
  CHECK(headers.size() == 1);
}

// RFC 9114 §4.2.2.
TEST_CASE("The size of a section counts 32 bytes for each field") {
  CHECK(Headers{}.section_size() == 0);
  CHECK(Headers{{"ab", "cde"}, {"x", ""}}.section_size() == 5 + 1 + 64);
  Headers headers{{"ab", "cde"}, {"x", ""}};
  headers.remove("ab");
  CHECK(headers.section_size() == 33);
}

// RFC 9204 §7.1.
TEST_CASE("What is secret is never indexed") {
  const Headers headers{
      {"Authorization", "x"}, {"proxy-authorization", "x"},       {"set-cookie", "x"},
      {"cookie", "short"},    {"cookie", "01234567890123456789"}, {"accept", "x"},
      {"token", "x", true}};
  std::vector<bool> never;
  for (const Field& field : headers) never.push_back(field.never_index);
  CHECK(never == std::vector{true, true, true, true, false, false, true});
  Headers copy = headers;
  copy.remove("accept");
  CHECK(copy[5].never_index);
}

// RFC 9114 §4.2.
TEST_CASE("Field names are tokens in lower case") {
  for (const char* name : {"a", "content-type", "x_y", "1", "!#$%&'*+-.^_`|~"}) {
    CHECK(is_valid_field_name(name));
  }
  for (const char* name : {"", "A", "a b", "a:", ":path", "a\t", "\xc3\xa4", "a\x7f", "(a)"}) {
    CHECK(!is_valid_field_name(name));
  }
}

// RFC 9110 §5.5.
TEST_CASE("Field values have no control characters and no white space around them") {
  for (const char* value : {"", "a", "a b", "a\tb", "\xc3\xa4", "\"(:)\""}) {
    CHECK(is_valid_field_value(value));
  }
  for (const char* value : {" ", " a", "a ", "\ta", "a\n", "a\r\nb: c", "a\x7f", "\x01"}) {
    CHECK(!is_valid_field_value(value));
  }
  CHECK(!is_valid_field_value(std::string_view{"a\0b", 3}));
}

TEST_CASE("Requests that may be sent") {
  const std::vector<Headers> valid{
      {{":method", "GET"}, {":scheme", "https"}, {":authority", "a:1"}, {":path", "/?"}},
      {{":path", "/"}, {":authority", "[::1]:443"}, {":scheme", "https"}, {":method", "PUT"}},
      {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "a"}},
      {{":method", "GET"},
       {":scheme", "https"},
       {":authority", "a"},
       {":path", "/"},
       {"host", "a"}},
      {{":method", "OPTIONS"}, {":scheme", "https"}, {":authority", "a"}, {":path", "*"}},
      {{":method", "CONNECT"}, {":authority", "a:443"}},
      {{":method", "CONNECT"},
       {":protocol", "websocket"},
       {":scheme", "https"},
       {":authority", "a"},
       {":path", "/"}},
      {{":method", "GET"},
       {":scheme", "https"},
       {":authority", "a"},
       {":path", "/"},
       {"te", "trailers"}},
  };
  for (const Headers& headers : valid) CHECK(validate_section(headers, SectionKind::request));
}

// RFC 9114 §4.3.1, RFC 3986 §3.2.
TEST_CASE("Requests that may not be sent, and what is named") {
  const auto with = [](Field more) {
    Headers headers{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}};
    headers.add(more.name, more.value);
    return headers;
  };
  const std::vector<std::pair<Headers, const char*>> cases{
      {{}, ":method"},
      {{{":method", "G T"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}, ":method"},
      {{{":method", "GET"}, {":authority", "a"}, {":path", "/"}}, ":scheme"},
      {{{":method", "GET"}, {":scheme", "1"}, {":authority", "a"}, {":path", "/"}}, ":scheme"},
      {{{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}, ":authority"},
      {{{":method", "GET"}, {":scheme", "https"}, {":authority", ""}, {":path", "/"}},
       ":authority"},
      {{{":method", "GET"}, {":scheme", "https"}, {":authority", "b@a"}, {":path", "/"}}, "b@a"},
      {{{":method", "GET"}, {":scheme", "https"}, {":authority", "a/b"}, {":path", "/"}}, "a/b"},
      {{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}}, ":path"},
      {{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "*"}}, ":path"},
      {{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/ b"}}, "/?b"},
      {{{":method", "CONNECT"}, {":scheme", "https"}, {":authority", "a"}}, "CONNECT"},
      {{{":method", "CONNECT"}}, ":authority"},
      {{{":method", "GET"},
        {":protocol", "websocket"},
        {":scheme", "https"},
        {":authority", "a"},
        {":path", "/"}},
       ":protocol"},
      {{{":method", "CONNECT"}, {":protocol", "websocket"}, {":authority", "a"}}, ":scheme"},
      {{{":method", "CONNECT"},
        {":protocol", "web socket"},
        {":scheme", "https"},
        {":authority", "a"},
        {":path", "/"}},
       ":protocol"},
      {with({":path", "/b"}), ":path"},
      {with({":color", "red"}), ":color"},
      {with({":protocol", "websocket"}), ":protocol"},
      {with({":status", "200"}), ":status"},
      {with({"host", "b"}), "host"},
      {with({"connection", "close"}), "connection"},
      {with({"keep-alive", "1"}), "keep-alive"},
      {with({"proxy-connection", "x"}), "proxy-connection"},
      {with({"transfer-encoding", "chunked"}), "chunked"},
      {with({"upgrade", "x"}), "upgrade"},
      {with({"te", "gzip"}), "gzip"},
      {with({"", "x"}), "field name"},
      {with({"a b", "x"}), "a?b"},
      {with({"a", "x\r\nb: c"}), "'a'"},
      {{{":method", "GET"}, {"a", "b"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}},
       ":scheme"},
  };
  for (const auto& [headers, named] : cases) {
    INFO(named);
    const auto result = validate_section(headers, SectionKind::request);
    REQUIRE(!result);
    CHECK(result.error() == Error{UsageError::invalid_argument});
    CHECK(result.error().detail().contains(named));
  }
}

// RFC 9114 §4.3.2.
TEST_CASE("Responses need a status that fits, and nothing else in front") {
  const auto check = [](const Headers& headers, SectionKind kind) {
    return validate_section(headers, kind).has_value();
  };
  CHECK(check({{":status", "200"}}, SectionKind::final_response));
  CHECK(check({{":status", "999"}, {"a", "b"}}, SectionKind::final_response));
  CHECK(check({{":status", "103"}}, SectionKind::interim_response));
  CHECK(!check({}, SectionKind::final_response));
  CHECK(!check({{":status", "103"}}, SectionKind::final_response));
  CHECK(!check({{":status", "20"}}, SectionKind::final_response));
  CHECK(!check({{":status", "2x0"}}, SectionKind::final_response));
  CHECK(!check({{"a", "b"}, {":status", "200"}}, SectionKind::final_response));
  CHECK(!check({{":status", "200"}, {":status", "200"}}, SectionKind::final_response));
  CHECK(!check({{":status", "200"}, {":path", "/"}}, SectionKind::final_response));
  CHECK(!check({{":status", "200"}}, SectionKind::interim_response));
  CHECK(!check({{":status", "101"}}, SectionKind::interim_response));
  CHECK(check({{"digest", "x"}}, SectionKind::trailers));
  CHECK(check({}, SectionKind::trailers));
  CHECK(!check({{":status", "200"}}, SectionKind::trailers));
}
