// SPDX-License-Identifier: MIT
/// Messages that end early, connections that end gracefully or not.
#include <cstdint>
#include <memory>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>

#include "raw_peer.hpp"
#include "session_pair.hpp"

using namespace quoin;
using namespace quoin::test;

TEST_CASE("A client that cancels is told to the server, and the other way round") {
  SessionPair pair;
  const StreamId id = pair.request(post_request(), true);
  CHECK(pair.client.session.write(id, as_bytes(sample(1000)), false) == 1000);
  pair.run();
  SECTION("client") {
    pair.client.session.cancel(id, HttpError::request_cancelled);
    pair.run();
    CHECK(pair.server.exchanges[id].reset == Error{HttpError::request_cancelled});
    CHECK(pair.server.exchanges[id].stopped == Error{HttpError::request_cancelled});
  }
  SECTION("server") {
    pair.server.session.cancel(id, HttpError::internal_error);
    pair.run();
    CHECK(pair.client.exchanges[id].reset == Error{HttpError::internal_error});
    CHECK(pair.client.exchanges[id].stopped == Error{HttpError::internal_error});
  }
  CHECK(pair.client.exchanges[id].closed);
  CHECK(pair.server.exchanges[id].closed);
  CHECK(pair.client.session.open_streams() == 0);
  CHECK(pair.server.session.open_streams() == 0);
  CHECK(pair.net.credit_given_by(true) == FakeOptions{}.connection_window);
  CHECK(!pair.net.closed());
}

TEST_CASE("What a reset stream had not been read gives its credit back") {
  SessionPair pair;
  pair.server.reads = false;
  const StreamId id = pair.request(post_request(), true);
  CHECK(pair.client.session.write(id, as_bytes(sample(100'000)), false) == 100'000);
  pair.run();
  CHECK(pair.net.credit_given_by(true) < FakeOptions{}.connection_window);
  pair.client.session.reset(id, HttpError::request_cancelled);
  pair.run();
  CHECK(pair.server.exchanges[id].reset);
  CHECK(pair.server.session.read(id).data.empty());
  CHECK(pair.net.credit_given_by(true) == FakeOptions{}.connection_window);
}

TEST_CASE("A server may stop reading a request and still answer it") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    pair.server.session.stop_sending(id, HttpError::no_error);
    REQUIRE(pair.server.session.respond(id, {{":status", "413"}}, true));
    CHECK(pair.server.session.write(id, as_bytes("too much"), true) == 8);
  };
  const StreamId id = pair.request(post_request(), true);
  CHECK(pair.client.session.write(id, as_bytes(sample(100'000)), false) == 100'000);
  pair.run();
  const Exchange& response = pair.client.exchanges[id];
  CHECK(response.stopped == Error{HttpError::no_error});
  CHECK(response.headers.get(":status") == "413");
  CHECK(response.body == "too much");
  CHECK(response.complete);
  CHECK(response.closed);
  CHECK(pair.client.session.write(id, as_bytes("more"), true) == 0);
  CHECK(pair.net.credit_given_by(true) == FakeOptions{}.connection_window);
}

TEST_CASE("A client that stops reading ends the server's body only") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    CHECK(pair.server.session.write(id, as_bytes(sample(100'000)), false) == 100'000);
  };
  const StreamId id = pair.request(post_request(), true);
  pair.run();
  pair.client.session.stop_sending(id, HttpError::request_cancelled);
  pair.run();
  CHECK(pair.server.exchanges[id].stopped == Error{HttpError::request_cancelled});
  CHECK(pair.server.session.room(id) == 0);
  CHECK(pair.client.session.write(id, as_bytes("still here"), true) == 10);
  pair.run();
  CHECK(pair.server.exchanges[id].body == "still here");
  CHECK(pair.server.exchanges[id].closed);
}

TEST_CASE("Memory of a cancelled message is freed only when no packet needs it any more") {
  SessionPair pair;
  auto owner = std::make_shared<std::string>(sample(50'000));
  const std::weak_ptr<std::string> watch = owner;
  const StreamId id = pair.request(post_request(), true);
  REQUIRE(pair.client.session.write(id, SharedBytes{owner, as_bytes(*owner)}, false));
  owner.reset();
  pair.net.hold = [](bool to_server, StreamId) { return to_server; };
  pair.net.pump();
  pair.client.session.cancel(id, HttpError::request_cancelled);
  CHECK(!watch.expired());
  pair.net.hold = nullptr;
  pair.run();
  CHECK(watch.expired());
}

// RFC 9114 §5.2.
TEST_CASE("A graceful end refuses new requests and finishes those in progress") {
  SessionPair pair;
  const StreamId id = pair.request(get_request());
  pair.run();
  pair.server.session.shutdown();
  CHECK(!pair.server.session.is_drained());
  pair.run();
  CHECK(pair.client.goaway == StreamId{static_cast<std::int64_t>(id) + 4});
  const auto refused = pair.client.session.request(get_request(), false);
  REQUIRE(!refused);
  CHECK(refused.error() == Error{LocalError::connection_draining});
  CHECK(!pair.server.session.is_drained());
  REQUIRE(pair.server.session.respond(id, ok_response(), false));
  pair.run();
  CHECK(pair.client.exchanges[id].complete);
  CHECK(!pair.client.exchanges[id].reset);
  CHECK(pair.server.session.is_drained());
  CHECK(!pair.client.session.is_drained());
}

TEST_CASE("Requests that cross the first GOAWAY are still handled") {
  SessionPair pair;
  pair.run();
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), false));
  };
  pair.net.hold = [](bool to_server, StreamId) { return to_server; };
  const StreamId id = pair.request(get_request());
  pair.net.pump();
  pair.server.session.shutdown();
  pair.net.hold_acknowledgements = true;
  pair.run();
  // The client knows that it should go, the server not yet that it does.
  CHECK(pair.client.goaway);
  CHECK(!pair.server.session.is_drained());
  pair.net.hold = nullptr;
  pair.net.hold_acknowledgements = false;
  pair.run();
  CHECK(pair.client.exchanges[id].complete);
  CHECK(pair.server.session.is_drained());
}

TEST_CASE("Requests that a leaving server did not handle are told so") {
  FakeQuic net;
  Side client{net.client(), {}};
  RawPeer server{net.server()};
  net.set_applications(client.session, server);
  net.start();
  server.open(false, control_stream());
  const auto first = client.session.request(get_request(), false);
  const auto second = client.session.request(post_request(), true);
  REQUIRE(first);
  REQUIRE(second);
  net.pump();
  server.send(StreamId{3}, frame(goaway_frame, varint(4)));
  net.pump();
  client.poll();
  CHECK(client.goaway == StreamId{4});
  CHECK(!client.exchanges[*first].reset);
  CHECK(client.exchanges[*second].reset == Error{HttpError::request_rejected});
  CHECK(server.resets[*second] == static_cast<std::uint64_t>(HttpError::request_cancelled));
}

// RFC 9114 §4.1.1.
TEST_CASE("Requests beyond the last one that a leaving server takes are rejected") {
  FakeQuic net;
  RawPeer client{net.client()};
  Side server{net.server(), {}};
  net.set_applications(client, server.session);
  net.start();
  client.open(false, control_stream());
  net.pump();
  server.session.shutdown();
  net.pump();
  CHECK(server.session.is_drained());
  const std::string request =
      headers({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}});
  const StreamId id = client.open(true, request, true);
  net.pump();
  server.poll();
  CHECK(client.resets[id] == static_cast<std::uint64_t>(HttpError::request_rejected));
  CHECK(server.exchanges[id].headers.empty());
  CHECK(net.violations.empty());
}

TEST_CASE("A client that leaves takes no new requests itself") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), false));
  };
  const StreamId id = pair.request(get_request());
  pair.client.session.shutdown();
  CHECK(!pair.client.session.is_drained());
  CHECK(pair.client.session.request(get_request(), false).error() == Error{UsageError::closed});
  pair.run();
  CHECK(pair.client.exchanges[id].complete);
  CHECK(pair.client.session.is_drained());
}

TEST_CASE("The end of the connection is the last event, and commands after it are harmless") {
  SessionPair pair;
  const StreamId id = pair.request(post_request(), true);
  CHECK(pair.client.session.write(id, as_bytes(sample(1000)), false) == 1000);
  pair.run();
  pair.server.session.connection().close(Error{HttpError::internal_error, "enough"});
  pair.run();
  for (Side* side : {&pair.client, &pair.server}) {
    CHECK(side->disconnected == Error{HttpError::internal_error});
    CHECK(side->types.back() == Event::Type::disconnected);
    CHECK(side->session.write(id, as_bytes("x"), true) == 0);
    CHECK(!side->session.write_trailers(id, {}));
    side->session.cancel(id, HttpError::request_cancelled);
    side->session.shutdown();
    CHECK(!side->poll());
  }
  CHECK(pair.client.session.request(get_request(), false).error() == Error{UsageError::closed});
}

TEST_CASE("What came in before the connection ended can still be read") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    CHECK(pair.server.session.write(id, as_bytes("whole"), true) == 5);
  };
  pair.client.reads = false;
  const StreamId id = pair.request(get_request());
  pair.run();
  pair.server.session.connection().close({});
  pair.run();
  pair.client.read(id);
  CHECK(pair.client.exchanges[id].body == "whole");
  CHECK(pair.client.exchanges[id].complete);
}

// RFC 9114 §6.2.
TEST_CASE("A peer that allows too few unidirectional streams is told what HTTP/3 needs") {
  FakeOptions options;
  options.unidirectional_streams = 2;
  SessionPair pair{{}, options};
  pair.run();
  const Error reason = pair.client.disconnected.value_or(Error{});
  CHECK(reason == Error{HttpError::stream_creation_error});
  CHECK(reason.detail().contains("3 unidirectional streams"));
}
