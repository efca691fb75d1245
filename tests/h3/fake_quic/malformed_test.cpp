// SPDX-License-Identifier: MIT
/// What peers do wrong, by accident or on purpose, and what it costs them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>

#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>

#include "raw_peer.hpp"
#include "session_pair.hpp"

using namespace quoin;
using namespace quoin::test;

namespace {

/// A session on one side, a test's bytes on the other.
struct RawPair {
  explicit RawPair(bool server_session, const h3::Config& config = {})
      : raw(server_session ? net.client() : net.server()),
        side(server_session ? net.server() : net.client(), config) {
    if (server_session) {
      net.set_applications(raw, side.session);
    } else {
      net.set_applications(side.session, raw);
    }
    net.start();
  }

  RawPair(const RawPair&) = delete;
  RawPair& operator=(const RawPair&) = delete;

  ~RawPair() { CHECK(net.violations == std::vector<std::string>{}); }

  void run() {
    do {
      net.pump();
    } while (side.poll());
  }

  /// Sends a request's bytes to a server session.
  StreamId send(std::string bytes, bool fin = true) {
    const StreamId id = raw.open(true, std::move(bytes), fin);
    run();
    return id;
  }

  FakeQuic net;
  RawPeer raw;
  Side side;
};

/// A client session that has asked for something.
struct RawServer : RawPair {
  explicit RawServer(const Headers& headers = get_request(), const h3::Config& config = {})
      : RawPair(false, config) {
    raw.open(false, control_stream());
    id = side.session.request(headers, false).value();
    run();
  }

  StreamId id{};
};

std::string get(const Fields& more = {}) {
  std::string text(2, '\0');
  for (const auto& part :
       {Fields{
            {":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/"}},
        more}) {
    text += section(part).substr(2);
  }
  return frame(headers_frame, text);
}

std::string filler(std::size_t fields) {
  std::string text(2, '\0');
  for (std::size_t i = 0; i < fields; ++i) text += section({{"x", "y"}}).substr(2);
  return text;
}

/// What is wrong, and the bytes with which it is.
using Cases = std::vector<std::pair<const char*, std::string>>;

constexpr auto wire(HttpError code) { return static_cast<std::uint64_t>(code); }

}  // namespace

// RFC 9114 §4.1.2, §4.3.
TEST_CASE("A server closes with H3_MESSAGE_ERROR on requests that are malformed") {
  const Cases cases{
      {"upper case in a name", get({{"Accept", "x"}})},
      {"no :method", headers({{":scheme", "https"}, {":authority", "a"}, {":path", "/"}})},
      {"no :scheme", headers({{":method", "GET"}, {":authority", "a"}, {":path", "/"}})},
      {"no :path", headers({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}})},
      {"no authority", headers({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}})},
      {"an empty :path",
       headers({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", ""}})},
      {"a relative :path",
       headers({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "x"}})},
      {"a space in :path",
       headers({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/ x"}})},
      {"user information",
       headers({{":method", "GET"}, {":scheme", "https"}, {":authority", "me@a"}, {":path", "/"}})},
      {"a pseudo-header twice", get({{":path", "/b"}})},
      {"a pseudo-header after others", headers({{":method", "GET"},
                                                {":scheme", "https"},
                                                {"accept", "x"},
                                                {":authority", "a"},
                                                {":path", "/"}})},
      {"an unknown pseudo-header", get({{":color", "red"}})},
      {"a pseudo-header of responses", get({{":status", "200"}})},
      {"extended CONNECT, which we do not offer", get({{":protocol", "websocket"}})},
      {"CONNECT with a path",
       headers({{":method", "CONNECT"}, {":authority", "a"}, {":path", "/"}})},
      {"connection", get({{"connection", "close"}})},
      {"keep-alive", get({{"keep-alive", "5"}})},
      {"proxy-connection", get({{"proxy-connection", "close"}})},
      {"transfer-encoding", get({{"transfer-encoding", "chunked"}})},
      {"upgrade", get({{"upgrade", "h2c"}})},
      {"te other than trailers", get({{"te", "gzip"}})},
      {"content-length that is no number", get({{"content-length", "abc"}})},
      {"content-length twice", get({{"content-length", "0"}, {"content-length", "1"}})},
      {"less than content-length", get({{"content-length", "5"}}) + data("four")},
      {"more than content-length", get({{"content-length", "3"}}) + data("four")},
      {"no body, but content-length", get({{"content-length", "3"}})},
      {"a pseudo-header in trailers", get() + data("x") + headers({{":path", "/"}})},
      {"an empty header section", frame(headers_frame, "")},
  };
  for (const auto& [what, bytes] : cases) {
    INFO(what);
    RawPair pair{true};
    pair.raw.open(false, control_stream());
    pair.send(bytes);
    CHECK(pair.side.disconnected == Error{HttpError::message_error});
    CHECK(pair.raw.closed == Error{HttpError::message_error});
  }
}

TEST_CASE("A client closes with H3_MESSAGE_ERROR on responses that are malformed") {
  const Cases cases{
      {"no :status", headers({{"a", "b"}})},
      {":status with two digits", headers({{":status", "20"}})},
      {":status below 100", headers({{":status", "099"}})},
      {":status 101", headers({{":status", "101"}})},
      {":status that is no number", headers({{":status", "2x0"}})},
      {":status twice", headers({{":status", "200"}, {":status", "200"}})},
      {"a pseudo-header of requests", headers({{":status", "200"}, {":path", "/"}})},
      {"a pseudo-header after others", headers({{"a", "b"}, {":status", "200"}})},
      {"connection", headers({{":status", "200"}, {"connection", "close"}})},
      {"upper case in a name", headers({{":status", "200"}, {"Server", "x"}})},
      {"less than content-length",
       headers({{":status", "200"}, {"content-length", "5"}}) + data("four")},
      {"a body with 204", headers({{":status", "204"}}) + data("x")},
      {"a body with 304", headers({{":status", "304"}}) + data("x")},
      {"only an interim response", headers({{":status", "103"}})},
  };
  for (const auto& [what, bytes] : cases) {
    INFO(what);
    RawServer pair;
    pair.raw.send(pair.id, bytes, true);
    pair.run();
    CHECK(pair.side.disconnected == Error{HttpError::message_error});
  }
}

TEST_CASE("A body in a response to HEAD is malformed") {
  RawServer pair{{{":method", "HEAD"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}};
  pair.raw.send(pair.id, headers({{":status", "200"}}) + data("x"), true);
  pair.run();
  CHECK(pair.side.disconnected == Error{HttpError::message_error});
}

// RFC 9114 §8.1.
TEST_CASE("Frames where they do not belong close the connection with the RFC's code") {
  const std::string settings = control_stream();
  const std::vector<std::tuple<const char*, std::string, std::string, HttpError>> cases{
      {"no SETTINGS first", varint(0) + frame(goaway_frame, varint(0)), "",
       HttpError::missing_settings},
      {"SETTINGS twice", settings + frame(settings_frame, ""), "", HttpError::frame_unexpected},
      {"a setting of HTTP/2", varint(0) + frame(settings_frame, varint(2) + varint(1)), "",
       HttpError::settings_error},
      {"SETTINGS cut off", varint(0) + frame(settings_frame, varint(6)), "",
       HttpError::frame_error},
      {"DATA on the control stream", settings + data("x"), "", HttpError::frame_unexpected},
      {"HEADERS on the control stream", settings + get(), "", HttpError::frame_unexpected},
      {"GOAWAY that grows",
       settings + frame(goaway_frame, varint(4)) + frame(goaway_frame, varint(8)), "",
       HttpError::id_error},
      {"SETTINGS on a request stream", settings, frame(settings_frame, ""),
       HttpError::frame_unexpected},
      {"DATA before HEADERS", settings, data("x"), HttpError::frame_unexpected},
      {"HEADERS after trailers", settings, get() + headers({{"a", "b"}}) + headers({{"a", "b"}}),
       HttpError::frame_unexpected},
      {"a frame cut off", settings, get().substr(0, 10), HttpError::frame_error},
      {"an index beyond the static table", settings,
       frame(headers_frame, std::string{"\0\0\xff\xff\x7f", 5}),
       HttpError::qpack_decompression_failed},
      {"a push promise", settings, frame(5, varint(0)), HttpError::frame_unexpected},
  };
  for (const auto& [what, control, request, code] : cases) {
    INFO(what);
    RawPair pair{true};
    pair.raw.open(false, control);
    pair.run();
    if (!request.empty()) pair.send(request);
    CHECK(pair.side.disconnected == Error{code});
  }
}

// RFC 9114 §6.2.1.
TEST_CASE("Critical streams are there once and for ever") {
  RawPair pair{true};
  const StreamId control = pair.raw.open(false, control_stream());
  const StreamId encoder = pair.raw.open(false, varint(2));
  pair.run();
  REQUIRE(!pair.side.disconnected);
  SECTION("a second control stream") {
    pair.raw.open(false, control_stream());
    pair.run();
    CHECK(pair.side.disconnected == Error{HttpError::stream_creation_error});
  }
  SECTION("a second QPACK stream") {
    pair.raw.open(false, varint(2));
    pair.run();
    CHECK(pair.side.disconnected == Error{HttpError::stream_creation_error});
  }
  SECTION("a push stream from a client") {
    pair.raw.open(false, varint(1));
    pair.run();
    CHECK(pair.side.disconnected == Error{HttpError::stream_creation_error});
  }
  SECTION("the control stream ends") {
    pair.raw.send(control, "", true);
    pair.run();
    CHECK(pair.side.disconnected == Error{HttpError::closed_critical_stream});
  }
  SECTION("the QPACK encoder's stream is reset") {
    pair.raw.connection().reset_stream(encoder, 0);
    pair.run();
    CHECK(pair.side.disconnected == Error{HttpError::closed_critical_stream});
  }
  SECTION("our control stream is stopped") {
    pair.raw.connection().stop_sending(StreamId{3}, 0);
    pair.run();
    CHECK(pair.side.disconnected == Error{HttpError::closed_critical_stream});
  }
  SECTION("a stream of an unknown type is refused and harmless") {
    const StreamId unknown = pair.raw.open(false, varint(0x21) + "anything");
    pair.run();
    CHECK(!pair.side.disconnected);
    CHECK(pair.raw.stops[unknown] == wire(HttpError::stream_creation_error));
  }
}

TEST_CASE("Frames of unknown types are ignored anywhere") {
  RawPair pair{true};
  pair.raw.open(false, control_stream() + frame(0x21, "grease"));
  const StreamId id = pair.send(frame(0x40, "x") + get() + frame(0x5f, "") + data("body") +
                                frame(0x21, std::string(3000, 'x')));
  CHECK(!pair.side.disconnected);
  CHECK(pair.side.exchanges[id].body == "body");
  CHECK(pair.side.exchanges[id].complete);
  CHECK(pair.net.credit_given_by(true) == FakeOptions{}.connection_window);
}

// RFC 6585 §5, RFC 9114 §4.2.2.
TEST_CASE("A field section beyond the limits is answered with 431, and only that stream ends") {
  h3::Config config;
  config.max_field_section = 2000;
  config.max_fields = 20;
  RawPair pair{true, config};
  pair.raw.open(false, control_stream());
  SECTION("too many bytes in one field") { pair.send(get({{"x", std::string(2000, 'y')}})); }
  SECTION("too many fields") {
    pair.send(frame(
        headers_frame,
        section({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}) +
            filler(20).substr(2)));
  }
  SECTION("too many fields, and no end of them") {
    pair.send(varint(1) + varint(1'000'000) + filler(400), false);
  }
  CHECK(pair.side.exchanges.size() <= 1);  // nothing but the connection's own events
  CHECK(pair.raw.received[StreamId{0}].find("431") != std::string::npos);
  CHECK(pair.raw.fins[StreamId{0}]);
  CHECK(!pair.side.disconnected);
  const StreamId honest = pair.send(get());
  CHECK(pair.side.exchanges[honest].headers.get(":path") == "/");
}

TEST_CASE("A section that expands enormously is counted as large as it becomes") {
  RawPair pair{true};
  pair.raw.open(false, control_stream());
  // The static table's longest value, 14,000 times in as many bytes.
  const StreamId id =
      pair.send(frame(headers_frame, std::string(2, '\0') + std::string(14'000, '\xf1')));
  CHECK(pair.raw.received[id].find("431") != std::string::npos);
  CHECK(!pair.side.disconnected);
}

TEST_CASE("Trailers count together with headers") {
  h3::Config config;
  config.max_field_section = 2000;
  RawPair pair{true, config};
  pair.raw.open(false, control_stream());
  const StreamId id = pair.send(get({{"x", std::string(1000, 'y')}}) + data("body") +
                                headers({{"x", std::string(1000, 'y')}}));
  CHECK(pair.side.exchanges[id].reset == Error{HttpError::excessive_load});
  CHECK(!pair.side.exchanges[id].trailers);
  CHECK(pair.raw.resets[id] == wire(HttpError::excessive_load));
  CHECK(!pair.side.disconnected);
}

TEST_CASE("Interim responses count together with the final one") {
  h3::Config config;
  config.max_fields = 50;
  RawServer pair{get_request(), config};
  std::string bytes;
  for (int i = 0; i < 60; ++i) bytes += headers({{":status", "103"}});
  pair.raw.send(pair.id, bytes + headers({{":status", "200"}}), true);
  pair.run();
  CHECK(pair.side.exchanges[pair.id].informational.size() == 50);
  CHECK(pair.side.exchanges[pair.id].reset == Error{HttpError::excessive_load});
  CHECK(pair.side.exchanges[pair.id].headers.empty());
  CHECK(!pair.side.disconnected);
}

// RFC 9114 §4.3.1.
TEST_CASE("A request for two hosts at once is refused") {
  RawPair pair{true};
  pair.raw.open(false, control_stream());
  const StreamId id = pair.send(get({{"host", "b.example"}}));
  CHECK(pair.raw.resets[id] == wire(HttpError::message_error));
  CHECK(pair.side.exchanges[id].headers.empty());
  CHECK(!pair.side.disconnected);
  const StreamId same = pair.send(get({{"host", "a.example"}}));
  CHECK(pair.side.exchanges[same].headers.get("host") == "a.example");
}

TEST_CASE("A request that never begins leaves nothing behind") {
  RawPair pair{true};
  pair.raw.open(false, control_stream());
  const std::size_t before = pair.net.open_streams(true);
  SECTION("it ends") {
    const StreamId id = pair.send("", true);
    CHECK(pair.raw.resets[id] == wire(HttpError::request_incomplete));
  }
  SECTION("it is reset") {
    const StreamId id = pair.send(get().substr(0, 1), false);
    pair.raw.connection().reset_stream(id, wire(HttpError::request_cancelled));
    pair.run();
    CHECK(pair.raw.resets[id] == wire(HttpError::request_incomplete));
  }
  SECTION("it is reset within its headers") {
    const StreamId id = pair.send(get().substr(0, 20), false);
    pair.raw.connection().reset_stream(id, wire(HttpError::request_cancelled));
    pair.run();
    CHECK(pair.raw.resets[id] == wire(HttpError::request_incomplete));
  }
  SECTION("its response is not wanted") {
    const StreamId id = pair.send(get().substr(0, 20), false);
    pair.raw.connection().stop_sending(id, wire(HttpError::request_cancelled));
    pair.run();
    CHECK(pair.raw.stops[id] == wire(HttpError::request_cancelled));
    pair.raw.connection().reset_stream(id, wire(HttpError::request_cancelled));
    pair.run();
  }
  CHECK(pair.net.open_streams(true) == before + 1);  // the peer's control stream
  CHECK(pair.side.session.open_streams() == 0);
  CHECK(!pair.side.disconnected);
}

TEST_CASE("A response that never begins fails its request only") {
  RawServer pair;
  pair.raw.send(pair.id, "", true);
  pair.run();
  CHECK(pair.side.exchanges[pair.id].reset == Error{HttpError::message_error});
  CHECK(!pair.side.disconnected);
}

TEST_CASE("Rapid resets leave no memory behind and are counted as events") {
  h3::Config config;
  config.max_events = 64;
  RawPair pair{true, config};
  pair.raw.open(false, control_stream());
  const auto attack = [&] {
    const StreamId id = pair.raw.open(true, get(), false);
    pair.net.pump();
    pair.raw.connection().reset_stream(id, wire(HttpError::request_cancelled));
    pair.raw.connection().stop_sending(id, wire(HttpError::request_cancelled));
    pair.net.pump();
  };
  SECTION("polled") {
    for (int i = 0; i < 5000; ++i) {
      attack();
      pair.run();
    }
    CHECK(pair.side.session.open_streams() == 0);
    CHECK(!pair.side.disconnected);
  }
  SECTION("not polled") {
    for (int i = 0; i < 30 && !pair.raw.closed; ++i) attack();
    CHECK(pair.raw.closed == Error{HttpError::excessive_load});
  }
}

TEST_CASE("A flood of control frames is slowed down by closing, an honest rate is not") {
  RawPair pair{true};
  const StreamId control = pair.raw.open(false, control_stream());
  const std::string update = frame(priority_update_frame, varint(0) + "u=1");
  SECTION("honest") {
    for (int i = 0; i < 5000; ++i) {
      pair.net.now += std::chrono::milliseconds{100};
      pair.raw.send(control, update);
      pair.run();
    }
    CHECK(!pair.side.disconnected);
  }
  SECTION("flood") {
    for (int i = 0; i < 5000; ++i) pair.raw.send(control, update);
    pair.run();
    CHECK(pair.side.disconnected == Error{HttpError::excessive_load});
  }
}

TEST_CASE("A priority may come before its request, but not for one that is not allowed") {
  RawPair pair{true};
  const StreamId control = pair.raw.open(false, control_stream());
  pair.raw.send(control, frame(priority_update_frame, varint(99 * 4) + "u=1"));
  pair.run();
  CHECK(!pair.side.disconnected);
  pair.raw.send(control, frame(priority_update_frame, varint(100 * 4 + 4) + "u=1"));
  pair.run();
  CHECK(pair.side.disconnected == Error{HttpError::id_error});
}

// RFC 9204 §2.1.2.
TEST_CASE("Streams that wait for QPACK instructions which never come are limited") {
  h3::Config config;
  config.qpack_blocked_streams = 3;
  RawPair pair{true, config};
  pair.raw.open(false, control_stream());
  // Required insert count 1, encoded as 2.
  const std::string blocked = frame(headers_frame, std::string{"\x02\x00\x80", 3});
  for (int i = 0; i < 3; ++i) pair.send(blocked);
  CHECK(!pair.side.disconnected);
  pair.send(blocked);
  CHECK(pair.side.disconnected == Error{HttpError::qpack_decompression_failed});
}

TEST_CASE("A peer's limit on field sections is respected") {
  RawPair pair{false};
  pair.raw.open(false, varint(0) + frame(settings_frame, varint(6) + varint(200)));
  pair.run();
  const auto refused = pair.side.session.request({{":method", "GET"},
                                                  {":scheme", "https"},
                                                  {":authority", "a"},
                                                  {":path", "/" + std::string(200, 'x')}},
                                                 false);
  REQUIRE(!refused);
  CHECK(refused.error() == Error{UsageError::too_large});
  CHECK(pair.side.session.request(get_request(), false));
}
