// SPDX-License-Identifier: MIT
/// Priorities between two sessions, and as frames (RFC 9218).
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/priority.hpp>

#include "raw_peer.hpp"
#include "session_pair.hpp"

using namespace quoin;
using namespace quoin::test;
using quoin::Priority;

TEST_CASE("A server goes by the field of the request, then by updates, then by its own mind") {
  SessionPair pair;
  Headers headers = get_request();
  headers.add("priority", "u=5, i");
  const StreamId id = pair.request(headers);
  pair.run();
  CHECK(pair.server.session.priority(id) == Priority{.urgency = 5, .incremental = true});
  CHECK(pair.client.session.priority(id) == Priority{});
  REQUIRE(pair.client.session.prioritize(id, {.urgency = 1, .incremental = false}));
  pair.run();
  CHECK(pair.server.session.priority(id) == Priority{.urgency = 1, .incremental = false});
  REQUIRE(pair.server.session.prioritize(id, {.urgency = 9, .incremental = true}));
  REQUIRE(pair.client.session.prioritize(id, {.urgency = 0, .incremental = false}));
  pair.run();
  CHECK(pair.server.session.priority(id) == Priority{.urgency = 7, .incremental = true});
}

TEST_CASE("A request without a word about priority has the default one") {
  SessionPair pair;
  const StreamId id = pair.request(get_request());
  pair.run();
  CHECK(pair.server.session.priority(id) == Priority{});
}

TEST_CASE("Priorities of messages that are gone, or not there yet, are nobody's business") {
  SessionPair pair;
  CHECK(pair.client.session.prioritize(StreamId{400}, {}).error() ==
        Error{UsageError::stale_handle});
  CHECK(pair.server.session.prioritize(StreamId{0}, {}).error() == Error{UsageError::stale_handle});
  const StreamId id = pair.request(get_request());
  pair.run();
  REQUIRE(pair.server.session.respond(id, ok_response(), false));
  pair.run();
  CHECK(pair.client.session.prioritize(id, {}).error() == Error{UsageError::stale_handle});
  CHECK(pair.server.session.prioritize(id, {}).error() == Error{UsageError::stale_handle});
  CHECK(pair.server.session.priority(id) == Priority{});
}

// RFC 9218 §7.1.
TEST_CASE("An update is a frame on the control stream, for the request's stream") {
  FakeQuic net;
  RawPeer raw{net.server()};
  Side client{net.client(), {}};
  net.set_applications(client.session, raw);
  net.start();
  raw.open(false, control_stream());
  net.pump();
  const StreamId id = client.session.request(get_request(), false).value();
  REQUIRE(client.session.prioritize(id, {.urgency = 2, .incremental = true}));
  net.pump();
  CHECK(raw.received[StreamId{2}].ends_with(frame(priority_update_frame, varint(0) + "u=2, i")));
}

TEST_CASE("An update that came before its request is not forgotten") {
  FakeQuic net;
  RawPeer raw{net.client()};
  Side server{net.server(), {}};
  net.set_applications(raw, server.session);
  net.start();
  raw.open(false, control_stream() + frame(priority_update_frame, varint(0) + "u=6"));
  net.pump();
  const StreamId id = raw.open(true,
                               headers({{":method", "GET"},
                                        {":scheme", "https"},
                                        {":authority", "a.example"},
                                        {":path", "/"},
                                        {"priority", "u=1"}}),
                               true);
  net.pump();
  server.poll();
  // RFC 9218 §7: it is the later word, although it came first.
  CHECK(server.session.priority(id) == Priority{.urgency = 6, .incremental = false});
}
