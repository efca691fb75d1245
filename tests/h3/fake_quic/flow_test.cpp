// SPDX-License-Identifier: MIT
/// Back-pressure: whoever does not read holds the peer up, and nobody else.

#include <cstddef>
#include <cstdint>
#include <map>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>

#include "fake_quic.hpp"
#include "session_pair.hpp"

using namespace quoin;
using namespace quoin::test;

namespace {

/// Responds with `text` as room allows.
void serve(SessionPair& pair, Feeder& feeder) {
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    feeder.feed(pair.server.session, id);
  };
  pair.server.on_writable = [&](StreamId id) { feeder.feed(pair.server.session, id); };
}

}  // namespace

TEST_CASE("A reader that stalls stops the sender at the stream's window") {
  SessionPair pair;
  Feeder feeder{sample(2'000'000)};
  serve(pair, feeder);
  pair.client.reads = false;
  const StreamId id = pair.request(get_request());
  pair.run();
  const FakeOptions options;
  // The window is full, and the send buffer behind it.
  CHECK(feeder.offset <= options.stream_window + h3::Config{}.send_buffer);
  CHECK(feeder.offset >= options.stream_window);
  const std::uint64_t credit = pair.net.credit_given_by(false);
  CHECK(credit <= options.connection_window - options.stream_window + 200);

  const h3::Chunk chunk = pair.client.session.read(id);
  REQUIRE(chunk.data.size() >= 1000);
  pair.client.session.consume(id, 1000);
  CHECK(pair.net.credit_given_by(false) == credit + 1000);
  pair.run();
  CHECK(pair.net.credit_given_by(false) == credit);

  pair.client.exchanges[id].body += sample(1000);
  pair.client.reads = true;
  pair.client.read(id);
  pair.run();
  CHECK((pair.client.exchanges[id].body == feeder.text));
  CHECK(pair.client.exchanges[id].complete);
}

TEST_CASE("A stalled reader holds up no other stream") {
  SessionPair pair;
  std::map<StreamId, Feeder> feeders;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    feeders[id].text = sample(400'000);
    feeders[id].feed(pair.server.session, id);
  };
  pair.server.on_writable = [&](StreamId id) { feeders[id].feed(pair.server.session, id); };
  pair.client.reads = false;
  const StreamId stalled = pair.request(get_request());
  pair.run();
  pair.client.reads = true;
  const StreamId flowing = pair.request(get_request());
  pair.run();
  CHECK(pair.client.exchanges[flowing].complete);
  CHECK(!pair.client.exchanges[stalled].complete);
}

TEST_CASE("There is one data event at a time, however many packets come") {
  SessionPair pair;
  Feeder feeder{sample(200'000)};
  serve(pair, feeder);
  const StreamId id = pair.request(get_request());
  pair.client.reads = false;
  pair.net.pump();
  pair.server.poll();
  pair.net.pump();
  pair.client.poll();
  CHECK(pair.client.exchanges[id].data_events == 1);
}

TEST_CASE("What was read before the end can be read after the stream is closed") {
  SessionPair pair;
  Feeder feeder{sample(100'000)};
  serve(pair, feeder);
  pair.client.reads = false;
  const StreamId id = pair.request(get_request());
  pair.run();
  CHECK(pair.net.open_streams(false) == 6);
  CHECK(!pair.client.exchanges[id].closed);
  pair.client.read(id);
  CHECK((pair.client.exchanges[id].body == feeder.text));
  CHECK(pair.client.exchanges[id].complete);
  pair.client.poll();
  CHECK(pair.client.exchanges[id].closed == Error{HttpError::no_error});
  CHECK(pair.client.session.open_streams() == 0);
  CHECK(pair.net.credit_given_by(false) == FakeOptions{}.connection_window);
}

TEST_CASE("A stream that is closed with unread bytes gives the connection its credit back") {
  SessionPair pair;
  Feeder feeder{sample(100'000)};
  serve(pair, feeder);
  pair.client.reads = false;
  const StreamId id = pair.request(get_request());
  pair.run();
  CHECK(pair.net.credit_given_by(false) < FakeOptions{}.connection_window);
  pair.client.session.stop_sending(id, HttpError::request_cancelled);
  CHECK(pair.net.credit_given_by(false) == FakeOptions{}.connection_window);
  pair.client.poll();
  CHECK(pair.client.exchanges[id].closed);
}

TEST_CASE("An idle session's buffers take no more than it has been told") {
  h3::Config config;
  config.send_buffer = 100'000;
  config.send_buffer_total = 250'000;
  SessionPair pair{config};
  std::map<StreamId, Feeder> feeders;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
    feeders[id].text = sample(300'000);
    feeders[id].feed(pair.server.session, id);
  };
  pair.server.on_writable = [&](StreamId id) { feeders[id].feed(pair.server.session, id); };
  pair.net.hold_acknowledgements = true;
  for (int i = 0; i < 5; ++i) (void)pair.request(get_request());
  pair.run();
  std::size_t buffered = 0;
  for (const auto& [id, feeder] : feeders) buffered += feeder.offset;
  CHECK(buffered == 250'000);
  pair.net.hold_acknowledgements = false;
  pair.run();
  for (const auto& [id, feeder] : feeders) {
    CHECK((pair.client.exchanges[id].body == feeder.text));
    CHECK(pair.client.exchanges[id].complete);
  }
}

TEST_CASE("Writing reports how much room there was, and the event when there is more") {
  h3::Config config;
  config.send_buffer = 1000;
  SessionPair pair{config};
  const std::string text = sample(1500);
  const StreamId id = pair.request(post_request(), true);
  CHECK(pair.client.session.room(id) == 1000);
  CHECK(pair.client.session.write(id, as_bytes(text), true) == 1000);
  CHECK(pair.client.session.room(id) == 0);
  CHECK(pair.client.session.write(id, as_bytes(text), true) == 0);
  CHECK(!pair.client.session.write(id, SharedBytes{text}, true));
  pair.run();
  CHECK(pair.client.exchanges[id].writable_events == 1);
  CHECK(pair.client.session.room(id) == 1000);
  CHECK(!pair.server.exchanges[id].complete);
  CHECK(pair.client.session.write(id, as_bytes(text).subspan(1000), true) == 500);
  pair.run();
  CHECK(pair.server.exchanges[id].body == text);
  CHECK(pair.server.exchanges[id].complete);
  CHECK(pair.client.exchanges[id].writable_events == 1);
}

TEST_CASE("A stream that has nothing to say does not silence the others") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, ok_response(), true));
  };
  const StreamId first = pair.request(get_request());
  const StreamId second = pair.request(get_request());
  pair.run();
  // Both are asked for their bodies in one go; only the later one has something.
  CHECK(pair.server.session.write(first, as_bytes("a"), false) == 1);
  CHECK(pair.server.session.write(second, as_bytes("b"), true) == 1);
  pair.run();
  CHECK(pair.client.exchanges[first].body == "a");
  CHECK(pair.client.exchanges[second].complete);
}

// RFC 9204 §2.1.2.
TEST_CASE("Credit for what waits for QPACK instructions comes back when they arrive") {
  SessionPair pair;
  std::map<StreamId, std::string> bodies;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(
        id, {{":status", "200"}, {"server", "quoin"}, {"content-type", "text/unusual"}}, true));
    bodies[id] = sample(20'000);
    CHECK(pair.server.session.write(id, as_bytes(bodies[id]), true) == 20'000);
  };
  pair.run();
  // The server's second unidirectional stream is that of its QPACK encoder.
  pair.net.hold = [](bool to_server, StreamId id) { return !to_server && id == StreamId{7}; };
  const StreamId id = pair.request(get_request());
  pair.run();
  CHECK(pair.client.exchanges[id].headers.empty());
  // Everything else of the exchange is over, but the response must not be lost.
  CHECK(pair.net.open_streams(false) == 6);
  CHECK(pair.client.session.open_streams() == 1);
  pair.net.hold = nullptr;
  pair.run();
  CHECK(pair.client.exchanges[id].headers.get("server") == "quoin");
  CHECK((pair.client.exchanges[id].body == bodies[id]));
  CHECK(pair.client.exchanges[id].complete);
  CHECK(pair.client.exchanges[id].closed == Error{HttpError::no_error});
  CHECK(pair.client.session.open_streams() == 0);
  CHECK(pair.net.credit_given_by(false) == FakeOptions{}.connection_window);
}

TEST_CASE("A response that waits for QPACK can be given up") {
  SessionPair pair;
  pair.server.on_headers = [&](StreamId id, Exchange&) {
    REQUIRE(pair.server.session.respond(id, {{":status", "200"}, {"server", "quoin"}}, true));
    CHECK(pair.server.session.write(id, as_bytes(sample(20'000)), true) == 20'000);
  };
  pair.run();
  pair.net.hold = [](bool to_server, StreamId id) { return !to_server && id == StreamId{7}; };
  const StreamId id = pair.request(get_request());
  pair.run();
  REQUIRE(pair.client.session.open_streams() == 1);
  pair.client.session.cancel(id, HttpError::request_cancelled);
  pair.client.poll();
  CHECK(pair.client.exchanges[id].closed);
  CHECK(pair.client.session.open_streams() == 0);
  pair.net.hold = nullptr;
  pair.run();
  CHECK(!pair.net.closed());
  const StreamId next = pair.request(get_request());
  pair.run();
  CHECK(pair.client.exchanges[next].complete);
}
