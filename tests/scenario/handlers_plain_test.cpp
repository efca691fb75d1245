// SPDX-License-Identifier: MIT
/// Every handler of Listener, Dialer, Connection and Stream: each throws, destroys its owner and
/// replaces itself in the middle of a scenario that calls all of them, in two rounds.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/simulated.hpp>
#include <quoin/streaming.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_answer.hpp>
#include <quoin/tls_request.hpp>

#include "support/hooks.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t code = 7;

quic::Config settings() {
  quic::Config config;
  config.alpn = {"echo"};
  config.max_bidirectional_streams = 4;
  config.max_datagram_frame = 1200;
  return config;
}

struct Scenario {
  explicit Scenario(Hooks& all);

  /// Two dialers, one after the other, each with a connection and all kinds of streams; then the
  /// listener's end.
  void run();

  void set_up_listener();
  void serve(const Connection& connection);
  void serve(const Stream& stream);
  void run_round();
  void shut_down();
  void use(const Connection& connection);
  void open_echo();
  void open_large();
  void open_refused();

  Hooks& hooks;
  io::SimulatedNetwork network{1};
  Loop& server_loop = network.host("10.0.0.1");
  Loop& client_loop = network.host("10.0.0.2");
  Tls tls = Tls::self_signed().value();
  std::optional<Listener> listener;
  std::optional<Dialer> dialer;
  Connection connection;
  std::vector<std::string> echoed;  ///< what came back in each round
  std::vector<Error> ends;          ///< of the client's streams
};

Scenario::Scenario(Hooks& all) : hooks(all) {
  hooks.listen(server_loop);
  hooks.listen(client_loop);
  hooks.owners["server"] = [this] { listener.reset(); };
  hooks.owners["client"] = [this] { dialer.reset(); };
  listener.emplace(server_loop, Tls::server_on_demand().value(), settings());
  set_up_listener();
  REQUIRE(listener->listen("10.0.0.1:4433").has_value());
}

void Scenario::set_up_listener() {
  hooks.place("server on_tls_request", [this](const std::string& name) {
    listener->on_tls_request([this, name](const TlsRequest&, const TlsAnswer& answer) {
      hooks(name);
      (void)answer.use(tls);
    });
  });
  hooks.place("server on_connection", [this](const std::string& name) {
    listener->on_connection([this, name](const Connection& made) {
      hooks(name);
      serve(made);
    });
  });
}

void Scenario::serve(const Connection& made) {
  hooks.place("server on_stream", [this, made](const std::string& name) {
    made.on_stream([this, name](const Stream& stream) {
      hooks(name);
      serve(stream);
    });
  });
  hooks.place("server on_datagram", [this, made](const std::string& name) {
    made.on_datagram([this, made, name](Bytes data) {
      (void)made.send_datagram(data);
      hooks(name);
    });
  });
  made.on_shutdown([this] { hooks("server on_shutdown"); });
}

// "r" is refused in both directions, all else sent back.
void Scenario::serve(const Stream& stream) {
  hooks.place("server on_data", [this, stream](const std::string& name) {
    stream.on_data([this, stream, name](Bytes chunk, bool last) {
      hooks(name);
      if (as_text(chunk) == "r") {
        stream.reset(code);
        stream.stop_sending(code);
        return chunk.size();
      }
      const bool whole = last && stream.room() >= chunk.size();
      return stream.write(chunk, whole);
    });
  });
}

void Scenario::use(const Connection& made) {
  connection = made;
  hooks.place("client on_datagram", [this, made](const std::string& name) {
    made.on_datagram([this, name](Bytes) { hooks(name); });
  });
  hooks.place("client on_datagram_fate", [this, made](const std::string& name) {
    made.on_datagram_fate([this, name](quic::DatagramId, quic::DatagramFate) { hooks(name); });
  });
  hooks.place("client on_streams_available", [this, made](const std::string& name) {
    made.on_streams_available([this, name](bool) { hooks(name); });
  });
  hooks.place("client on_path", [this, made](const std::string& name) {
    made.on_path([this, name](const quic::PathEvent&) { hooks(name); });
  });
  made.on_closed([this](const Error&) { hooks("client on_closed"); });
}

// A word by a writer, and back to a reader.
void Scenario::open_echo() {
  const auto stream = connection.open_stream();
  if (!stream) return;
  hooks.place("client source", [this, stream](const std::string& name) {
    stream->source([this, name, sent = std::size_t{0}](std::span<std::byte> room) mutable {
      hooks(name);
      constexpr std::string_view word = "ab";
      room.front() = static_cast<std::byte>(word.at(sent++));
      return Filled{.bytes = 1, .last = sent == word.size()};
    });
  });
  hooks.place("client on_data", [this, stream](const std::string& name) {
    stream->on_data([this, name](Bytes chunk, bool) {
      hooks(name);
      echoed.back() += as_text(chunk);
      return chunk.size();
    });
  });
  stream->on_closed([this](const Error& reason) {
    ends.push_back(reason);
    hooks("client stream on_closed");
  });
}

// More than there is room for at a time.
void Scenario::open_large() {
  const auto stream = connection.open_stream();
  if (!stream) return;
  const auto left = std::make_shared<std::size_t>(1'000'000);
  const auto write = [stream, left] {
    const std::string text(*left, 'x');
    *left -= stream->write(as_bytes(text), true);
  };
  hooks.place("client on_writable", [this, stream, write](const std::string& name) {
    stream->on_writable([this, write, name] {
      hooks(name);
      write();
    });
  });
  stream->on_data([](Bytes chunk, bool) { return chunk.size(); });
  write();
}

void Scenario::open_refused() {
  const auto stream = connection.open_stream();
  if (!stream) return;
  stream->on_reset([this](std::uint64_t) { hooks("client on_reset"); });
  stream->on_stop_sending([this](std::uint64_t) { hooks("client on_stop_sending"); });
  (void)stream->write(as_bytes("r"));
}

void Scenario::run_round() {
  echoed.emplace_back();
  hooks.renew("client");
  dialer.emplace(client_loop, Tls::client_from_pem(tls.certificate_pem()).value(), settings());
  REQUIRE(dialer->connect("10.0.0.1:4433", "localhost", [this](Result<Connection> made) {
    if (made) use(*made);
    hooks("client connect");
  }));
  network.run_for(1s);
  for (int i = 0; i < 2; ++i) (void)connection.send_datagram(as_bytes("there"));
  // A client's first flight may be lost with the certificate that was refused.
  for (int i = 0; i < 3; ++i) {
    open_echo();
    open_large();
    open_refused();
    network.run_for(2s);
  }
  connection.close(code);
  network.run_for(1s);
  dialer.reset();
  network.run_for(1s);
}

// The listener's end, with two connections that are told.
void Scenario::shut_down() {
  hooks.renew("client");
  dialer.emplace(client_loop, Tls::client_from_pem(tls.certificate_pem()).value(), settings());
  for (int i = 0; i < 2; ++i) {
    REQUIRE(dialer->connect("10.0.0.1:4433", "localhost", [](const Result<Connection>&) {}));
  }
  network.run_for(1s);
  for (int i = 0; i < 2; ++i) {
    if (listener) listener->shutdown(1s, [this] { hooks("server shutdown"); });
  }
  network.run_for(3s);
}

void Scenario::run() {
  for (int round = 0; round < 2 && listener; ++round) run_round();
  if (listener) shut_down();
}

/// A handler, and what it ends if it throws.
enum class Ends : std::uint8_t { nothing, stream, connection };

struct Row {
  const char* name;
  const char* where;  ///< for Loop::on_exception()
  Ends ends = Ends::nothing;
};

// clang-format off
const std::array rows{
    Row{"server on_tls_request", "on_tls_request", Ends::connection},
    Row{"server on_connection", "Listener::on_connection", Ends::connection},
    Row{"server on_stream", "Connection::on_stream", Ends::stream},
    Row{"server on_datagram", "Connection::on_datagram"},
    Row{"server on_data", "Stream::on_data", Ends::stream},
    Row{"server on_shutdown", "Connection::on_shutdown"},
    Row{"server shutdown", "Listener::shutdown"},
    Row{"client connect", "Dialer::connect", Ends::connection},
    Row{"client on_datagram", "Connection::on_datagram"},
    Row{"client on_datagram_fate", "Connection::on_datagram_fate"},
    Row{"client on_streams_available", "Connection::on_streams_available"},
    Row{"client on_path", "Connection::on_path"},
    Row{"client on_closed", "Connection::on_closed"},
    Row{"client source", "Stream::source", Ends::stream},
    Row{"client on_data", "Stream::on_data", Ends::stream},
    Row{"client on_writable", "Stream::on_writable", Ends::stream},
    Row{"client on_reset", "Stream::on_reset", Ends::stream},
    Row{"client on_stop_sending", "Stream::on_stop_sending", Ends::stream},
    Row{"client stream on_closed", "Stream::on_closed"},
};
// clang-format on

}  // namespace

TEST_CASE("the scenario of all plain QUIC handlers calls them all, in both rounds") {
  const Scenario& scenario = peaceful<Scenario>();
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(scenario.hooks.counts[row.name] >= 2);
  }
  CHECK(scenario.hooks.reports.empty());
  CHECK(scenario.echoed == std::vector<std::string>{"ababab", "ababab"});
  CHECK(std::ranges::count(scenario.ends, Error{TransportError::no_error}) == 6);
}

TEST_CASE("a plain QUIC handler that throws ends at most what it was called for") {
  const Row& row = rows[GENERATE(Catch::Generators::range(std::size_t{0}, rows.size()))];
  const Deed deed = GENERATE(Deed::throw_error, Deed::throw_int);
  INFO(row.name);
  Hooks hooks{row.name, deed};
  Scenario scenario{hooks};
  scenario.run();
  CHECK(hooks.reports == std::vector<std::string>{row.where});
  CHECK(hooks.counts[row.name] >= 2);
  CHECK(scenario.echoed.back() == "ababab");
  switch (row.ends) {
    case Ends::nothing:
      // As if it had returned.
      CHECK(hooks.counts == peaceful<Scenario>().hooks.counts);
      CHECK(scenario.echoed == peaceful<Scenario>().echoed);
      break;
    case Ends::stream:
      // The others of the connection go on.
      CHECK(scenario.echoed.front().ends_with("abab"));
      CHECK(hooks.counts["client stream on_closed"] == 6);
      CHECK(hooks.counts["client on_closed"] == 2);
      break;
    case Ends::connection:
      CHECK(scenario.echoed.front().empty());
      break;
  }
}

TEST_CASE("a plain QUIC handler may destroy its listener or dialer, and throw then") {
  const Row& row = rows[GENERATE(Catch::Generators::range(std::size_t{0}, rows.size()))];
  const Deed deed = GENERATE(Deed::destroy, Deed::destroy_and_throw);
  INFO(row.name);
  Hooks hooks{row.name, deed};
  Scenario scenario{hooks};
  scenario.run();
  CHECK(hooks.counts[row.name] >= 1);
  CHECK(hooks.late.empty());
  CHECK(hooks.reports.size() == (deed == Deed::destroy_and_throw ? 1 : 0));
}

TEST_CASE("a plain QUIC handler may replace itself") {
  const std::string name = GENERATE(
      "server on_tls_request", "server on_connection", "server on_stream", "server on_datagram",
      "server on_data", "client on_datagram", "client on_datagram_fate",
      "client on_streams_available", "client on_path", "client on_writable");
  INFO(name);
  Hooks hooks{name, Deed::replace};
  Scenario scenario{hooks};
  scenario.run();
  CHECK(scenario.echoed == peaceful<Scenario>().echoed);
  CHECK(hooks.counts[name] + hooks.counts[Hooks::replaced(name)] ==
        peaceful<Scenario>().hooks.counts[name]);
  CHECK(hooks.counts[Hooks::replaced(name)] >= 1);
}

TEST_CASE("a plain QUIC handler may remove itself") {
  Hooks hooks;
  Scenario scenario{hooks};
  int calls = 0;
  scenario.listener->on_connection([&](const Connection& made) {
    made.on_datagram([&calls, made](Bytes) {
      ++calls;
      made.on_datagram(nullptr);
    });
  });
  scenario.run_round();
  CHECK(calls == 1);
}
