// SPDX-License-Identifier: MIT
/// Two HTTP/3 sessions on a fake QUIC, and what became of their messages.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/h3/session.hpp>

#include "fake_quic.hpp"

namespace quoin::test {

using h3::Event;
using quic::StreamId;
using quoin::Headers;

/// What one side has seen of a stream.
struct Exchange {
  Headers headers;
  std::vector<Headers> informational;
  std::optional<Headers> trailers;
  std::string body;
  std::vector<std::string> datagrams;
  bool complete = false;
  int data_events = 0;
  int writable_events = 0;
  std::optional<Error> reset;
  std::optional<Error> stopped;
  std::optional<Error> closed;
};

/// One session with a record of its events.
struct Side {
  Side(quic::Connection& connection, const h3::Config& config) : session(connection, config) {}

  /// Handles all events there are.
  bool poll() {
    bool any = false;
    while (auto event = session.poll_event()) {
      any = true;
      types.push_back(event->type);
      handle(*event);
    }
    return any;
  }

  void read(StreamId id) {
    Exchange& exchange = exchanges[id];
    while (true) {
      const h3::Chunk chunk = session.read(id);
      exchange.body += as_text(chunk.data);
      exchange.complete = exchange.complete || chunk.last;
      if (chunk.data.empty()) break;
      session.consume(id, chunk.data.size());
    }
  }

  void handle(Event& event) {
    Exchange& exchange = exchanges[event.stream];
    switch (event.type) {
      case Event::Type::headers:
        exchange.headers = std::move(event.headers);
        if (on_headers) on_headers(event.stream, exchange);
        break;
      case Event::Type::informational:
        exchange.informational.push_back(std::move(event.headers));
        break;
      case Event::Type::trailers:
        exchange.trailers = std::move(event.headers);
        break;
      case Event::Type::data:
        ++exchange.data_events;
        if (reads) read(event.stream);
        if (exchange.complete && on_complete) on_complete(event.stream, exchange);
        break;
      case Event::Type::writable:
        ++exchange.writable_events;
        if (on_writable) on_writable(event.stream);
        break;
      case Event::Type::reset:
        exchange.reset = event.error;
        break;
      case Event::Type::stop_sending:
        exchange.stopped = event.error;
        break;
      case Event::Type::closed:
        exchange.closed = event.error;
        break;
      case Event::Type::datagram:
        exchange.datagrams.emplace_back(as_text(event.datagram));
        break;
      case Event::Type::goaway:
        goaway = event.stream;
        break;
      case Event::Type::disconnected:
        disconnected = event.error;
        break;
      case Event::Type::connected:
      case Event::Type::path:
      case Event::Type::streams_available:
      case Event::Type::resumable:
      case Event::Type::early_data_rejected:
        break;
    }
  }

  h3::Session session;
  bool reads = true;  ///< takes bodies as they come
  std::map<StreamId, Exchange> exchanges;
  std::vector<Event::Type> types;
  std::optional<StreamId> goaway;
  std::optional<Error> disconnected;
  std::function<void(StreamId, Exchange&)> on_headers;
  std::function<void(StreamId, Exchange&)> on_complete;
  std::function<void(StreamId)> on_writable;
};

/// A client and a server that have shaken hands.
struct SessionPair {
  explicit SessionPair(const h3::Config& config = {}, const FakeOptions& options = {})
      : SessionPair(config, config, options) {}

  SessionPair(const h3::Config& client_config, const h3::Config& server_config,
              const FakeOptions& options)
      : net(options), client(net.client(), client_config), server(net.server(), server_config) {
    net.set_applications(client.session, server.session);
    net.start();
  }

  SessionPair(const SessionPair&) = delete;
  SessionPair& operator=(const SessionPair&) = delete;

  ~SessionPair() { CHECK(net.violations == std::vector<std::string>{}); }

  /// Goes on until nothing happens any more.
  void run() {
    bool any = true;
    while (any) {
      net.pump();
      any = client.poll();
      any = server.poll() || any;
    }
  }

  /// A request from the client that must be possible.
  StreamId request(const Headers& headers, bool has_body = false) {
    const auto id = client.session.request(headers, has_body);
    REQUIRE(id);
    return *id;
  }

  FakeQuic net;
  Side client;
  Side server;
};

inline Headers get_request(std::string_view path = "/") {
  return {{":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", path}};
}

inline Headers post_request(std::string_view path = "/") {
  return {{":method", "POST"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", path}};
}

inline Headers ok_response() { return {{":status", "200"}, {"content-type", "text/plain"}}; }

/// Text of this size in which no two places look the same.
inline std::string sample(std::size_t size) {
  std::string text;
  text.reserve(size + 16);
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

/// Feeds a long body to a session whenever there is room.
struct Feeder {
  Feeder() = default;

  explicit Feeder(std::string body) : text(std::move(body)) {}

  void feed(h3::Session& session, StreamId id) {
    while (offset < text.size()) {
      const std::string_view rest = std::string_view{text}.substr(offset);
      const std::size_t room = std::min(session.room(id), rest.size());
      if (room == 0) return;
      offset += session.write(id, as_bytes(rest.substr(0, room)), room == rest.size());
    }
  }

  std::string text;
  std::size_t offset = 0;
};

}  // namespace quoin::test
