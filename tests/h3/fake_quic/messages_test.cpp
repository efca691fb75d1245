// SPDX-License-Identifier: MIT
/// Requests and responses between two sessions, when both behave.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>

#include "session_pair.hpp"

using namespace quoin;
using namespace quoin::test;

namespace {

/// Answers every request at once with a body that repeats what was sent.
void echo(SessionPair& pair) {
  pair.server.on_complete = [&](StreamId id, Exchange& exchange) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    CHECK(pair.server.session.write(id, SharedBytes{exchange.body}, true));
  };
}

}  // namespace

TEST_CASE("A request without body gets a response with one") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    CHECK(pair.server.session.write(id, as_bytes("hello"), true) == 5);
  };
  const StreamId id = pair.request(get_request("/x?y"));
  pair.run();
  const Exchange& request = pair.server.exchanges[id];
  CHECK(request.headers.get(":path") == "/x?y");
  CHECK(request.headers.get(":method") == "GET");
  CHECK(request.complete);
  CHECK(request.closed == Error{HttpError::no_error});
  const Exchange& response = pair.client.exchanges[id];
  CHECK(response.headers.get(":status") == "200");
  CHECK(response.headers.get("content-type") == "text/plain");
  CHECK(response.body == "hello");
  CHECK(response.complete);
  CHECK(response.closed == Error{HttpError::no_error});
  CHECK(pair.client.session.open_streams() == 0);
  CHECK(pair.server.session.open_streams() == 0);
  CHECK(!pair.net.closed());
}

TEST_CASE("Both sides are told first that they are connected") {
  SessionPair pair;
  pair.run();
  CHECK(pair.client.types == std::vector{Event::Type::connected});
  CHECK(pair.server.types == std::vector{Event::Type::connected});
}

TEST_CASE("Bodies larger than all windows and buffers go both ways unchanged") {
  SessionPair pair;
  const std::string text = sample(5'000'000);
  Feeder up{text};
  Feeder down;
  StreamId id{};
  pair.client.on_writable = [&](StreamId stream) { up.feed(pair.client.session, stream); };
  pair.server.on_writable = [&](StreamId stream) { down.feed(pair.server.session, stream); };
  pair.server.on_complete = [&](StreamId stream, Exchange& exchange) {
    REQUIRE(pair.server.session.respond(stream, ok_response(), true));
    down.text = exchange.body;
    down.feed(pair.server.session, stream);
  };
  id = pair.request(post_request(), true);
  up.feed(pair.client.session, id);
  CHECK(up.offset == h3::Config{}.send_buffer);
  pair.run();
  CHECK((pair.server.exchanges[id].body == text));
  CHECK((pair.client.exchanges[id].body == text));
  CHECK(pair.client.exchanges[id].closed == Error{HttpError::no_error});
  // All credit came back: what was read is no longer held against the peer.
  CHECK(pair.net.credit_given_by(true) == FakeOptions{}.connection_window);
  CHECK(pair.net.credit_given_by(false) == FakeOptions{}.connection_window);
}

TEST_CASE("Shared bytes are sent without being counted as buffered, one piece at a time") {
  h3::Config config;
  config.send_buffer = 1000;
  config.send_buffer_total = 1000;
  SessionPair pair{config};
  const SharedBytes piece{sample(100'000)};
  int pieces = 0;
  const auto write = [&](StreamId id) {
    while (pieces < 5 && pair.server.session.write(id, piece, pieces == 4)) ++pieces;
  };
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    write(id);
    CHECK(pieces == 1);
  };
  pair.server.on_writable = write;
  const StreamId id = pair.request(get_request());
  pair.run();
  CHECK(pieces == 5);
  CHECK(pair.client.exchanges[id].body.size() == 500'000);
  CHECK(pair.client.exchanges[id].complete);
}

TEST_CASE("Shared bytes live until they are acknowledged, and not longer") {
  SessionPair pair;
  auto owner = std::make_shared<std::string>(sample(50'000));
  const std::weak_ptr<std::string> watch = owner;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    REQUIRE(pair.server.session.write(id, SharedBytes{owner, as_bytes(*owner)}, true));
    owner.reset();
  };
  pair.net.hold_acknowledgements = true;
  const StreamId id = pair.request(get_request());
  pair.run();
  CHECK(pair.client.exchanges[id].complete);
  CHECK(!watch.expired());
  pair.net.hold_acknowledgements = false;
  pair.run();
  CHECK(watch.expired());
}

TEST_CASE("Many requests at once are all answered, each with its own") {
  SessionPair pair;
  echo(pair);
  std::vector<StreamId> ids;
  for (int i = 0; i < 100; ++i) {
    ids.push_back(pair.request(post_request("/" + std::to_string(i)), true));
    const std::string body = sample(1000 + static_cast<std::size_t>(i) * 37) + std::to_string(i);
    CHECK(pair.client.session.write(ids.back(), as_bytes(body), true) == body.size());
  }
  pair.run();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Exchange& response = pair.client.exchanges[ids[i]];
    CHECK(response.complete);
    CHECK((response.body == pair.server.exchanges[ids[i]].body));
    CHECK(response.body.ends_with(std::to_string(i)));
    CHECK(response.closed == Error{HttpError::no_error});
  }
  CHECK(pair.net.open_streams(true) == 6);  // the critical ones of both sides
}

TEST_CASE("A request beyond the peer's limit is refused until a stream is free") {
  FakeOptions options;
  options.bidirectional_streams = 2;
  SessionPair pair{{}, options};
  (void)pair.request(post_request(), true);
  const StreamId second = pair.request(get_request());
  const auto third = pair.client.session.request(get_request(), false);
  REQUIRE(!third);
  CHECK(third.error() == Error{UsageError::limit_reached});
  pair.server.on_complete = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), false));
  };
  pair.run();
  CHECK(pair.client.exchanges[second].closed);
  CHECK(std::ranges::count(pair.client.types, Event::Type::streams_available) == 1);
  CHECK(pair.client.session.request(get_request(), false));
}

TEST_CASE("An interim response comes before the final one") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.inform(id, {{":status", "103"}, {"link", "</a.css>"}}));
    REQUIRE(pair.server.session.inform(id, {{":status", "100"}}));
    REQUIRE(pair.server.session.respond(id, ok_response(), false));
    CHECK(!pair.server.session.inform(id, {{":status", "103"}}));
  };
  const StreamId id = pair.request(get_request());
  pair.run();
  const Exchange& response = pair.client.exchanges[id];
  REQUIRE(response.informational.size() == 2);
  CHECK(response.informational[0].get("link") == "</a.css>");
  CHECK(response.informational[1].get(":status") == "100");
  CHECK(response.headers.get(":status") == "200");
  CHECK(response.complete);
}

TEST_CASE("Trailers follow the body in both directions") {
  SessionPair pair;
  pair.server.on_complete = [&](StreamId id, Exchange& exchange) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    CHECK(pair.server.session.write(id, as_bytes(exchange.body), false) == exchange.body.size());
    REQUIRE(pair.server.session.write_trailers(id, {{"digest", "down"}}));
    CHECK(pair.server.session.write(id, as_bytes("late"), true) == 0);
    CHECK(!pair.server.session.write_trailers(id, {{"digest", "again"}}));
  };
  const StreamId id = pair.request(post_request(), true);
  CHECK(pair.client.session.write(id, as_bytes("body"), false) == 4);
  pair.run();
  CHECK(!pair.server.exchanges[id].complete);
  REQUIRE(pair.client.session.write_trailers(id, {{"digest", "up"}}));
  pair.run();
  CHECK(pair.server.exchanges[id].trailers.value_or(Headers{}).get("digest") == "up");
  CHECK(pair.client.exchanges[id].trailers.value_or(Headers{}).get("digest") == "down");
  CHECK(pair.client.exchanges[id].body == "body");
  CHECK(pair.client.exchanges[id].complete);
}

TEST_CASE("The end of a message is not shown before its trailers") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    CHECK(pair.server.session.write(id, as_bytes("body"), false) == 4);
    REQUIRE(pair.server.session.write_trailers(id, {{"a", "b"}}));
  };
  // All of the response has come and gone before the first of its events is looked at.
  const StreamId id = pair.request(get_request());
  pair.net.pump();
  pair.server.poll();
  pair.net.pump();
  std::string order;
  while (const auto event = pair.client.session.poll_event()) {
    if (event->type == Event::Type::data) {
      const h3::Chunk chunk = pair.client.session.read(id);
      order += std::string{as_text(chunk.data)} + (chunk.last ? " end" : "");
      pair.client.session.consume(id, chunk.data.size());
    } else if (event->type == Event::Type::trailers) {
      order += " trailers";
    } else if (event->type == Event::Type::closed) {
      order += " closed";
    }
  }
  CHECK(order == "body trailers end closed");
}

TEST_CASE("A message may have trailers and no body") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    REQUIRE(pair.server.session.write_trailers(id, {{"a", "b"}}));
  };
  const StreamId id = pair.request(get_request());
  pair.run();
  CHECK(pair.client.exchanges[id].trailers);
  CHECK(pair.client.exchanges[id].complete);
  CHECK(pair.client.exchanges[id].body.empty());
}

// RFC 9110 §9.3.2.
TEST_CASE("The body of a response to HEAD is taken and not sent") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, {{":status", "200"}, {"content-length", "5"}}, true));
    CHECK(pair.server.session.room(id) > 0);
    CHECK(pair.server.session.write(id, as_bytes("hello"), true) == 5);
    CHECK(pair.server.session.room(id) == 0);
  };
  const StreamId id = pair.request(
      {{":method", "HEAD"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/"}});
  pair.run();
  const Exchange& response = pair.client.exchanges[id];
  CHECK(response.headers.get("content-length") == "5");
  CHECK(response.body.empty());
  CHECK(response.complete);
  CHECK(response.closed == Error{HttpError::no_error});
}

TEST_CASE("A body that ends with an empty write is complete") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    CHECK(pair.server.session.write(id, as_bytes("abc"), false) == 3);
  };
  const StreamId id = pair.request(get_request());
  pair.run();
  CHECK(pair.client.exchanges[id].body == "abc");
  CHECK(!pair.client.exchanges[id].complete);
  CHECK(pair.server.session.write(id, Bytes{}, true) == 0);
  pair.run();
  CHECK(pair.client.exchanges[id].complete);
}

TEST_CASE("A body with nothing in it is complete, shared or not") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    CHECK(pair.server.session.write(id, SharedBytes{}, true));
  };
  const StreamId id = pair.request(post_request(), true);
  CHECK(pair.client.session.write(id, Bytes{}, true) == 0);
  pair.run();
  CHECK(pair.server.exchanges[id].complete);
  CHECK(pair.client.exchanges[id].complete);
}

// RFC 9114 §4.1.
TEST_CASE("A response may be complete before the request is") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    CHECK(pair.server.session.write(id, as_bytes("early"), true) == 5);
  };
  const StreamId id = pair.request(post_request(), true);
  pair.run();
  CHECK(pair.client.exchanges[id].complete);
  CHECK(!pair.client.exchanges[id].closed);
  CHECK(pair.client.session.write(id, as_bytes("late"), true) == 4);
  pair.run();
  CHECK(pair.server.exchanges[id].body == "late");
  CHECK(pair.client.exchanges[id].closed == Error{HttpError::no_error});
}

TEST_CASE("Fields of every kind arrive as they were sent, but in lower case") {
  SessionPair pair;
  const std::string long_value = sample(5000);
  const StreamId id = pair.request({{":method", "GET"},
                                    {":scheme", "https"},
                                    {":authority", "a.example:8443"},
                                    {":path", "/%20?q=\xc3\xa4"},
                                    {"Cookie", "a=b"},
                                    {"cookie", "c=d"},
                                    {"empty", ""},
                                    {"long", long_value},
                                    {"secret", "s", true},
                                    {"te", "trailers"}});
  pair.run();
  const Headers& headers = pair.server.exchanges[id].headers;
  REQUIRE(headers.size() == 10);
  CHECK(headers[4].name == "cookie");
  CHECK(headers[5].value == "c=d");
  CHECK(headers.get("empty") == "");
  CHECK(headers.get("long") == long_value);
  CHECK(headers[8].never_index);
}

TEST_CASE("Commands for streams that are gone say so") {
  SessionPair pair;
  echo(pair);
  const StreamId id = pair.request(get_request());
  pair.run();
  REQUIRE(pair.client.exchanges[id].closed);
  for (h3::Session* session : {&pair.client.session, &pair.server.session}) {
    CHECK(session->write(id, as_bytes("x"), true) == 0);
    CHECK(!session->write(id, SharedBytes{std::string{"x"}}, true));
    CHECK(session->room(id) == 0);
    CHECK(session->read(id).data.empty());
    CHECK(session->write_trailers(id, {}).error() == Error{UsageError::stale_handle});
    CHECK(session->respond(id, ok_response(), false).error() == Error{UsageError::stale_handle});
    session->consume(id, 1);
    session->cancel(id, HttpError::request_cancelled);
  }
}

TEST_CASE("A request before the handshake is refused with a reason") {
  FakeQuic net;
  h3::Session session{net.client(), {}};
  const auto refused = session.request(get_request(), false);
  REQUIRE(!refused);
  CHECK(refused.error() == Error{UsageError::limit_reached});
}
