// SPDX-License-Identifier: MIT
/// Coroutines over plain QUIC on the simulated network.
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/coro.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/tls.hpp>

#include "support/http_world.hpp"
#include "support/plain_world.hpp"

namespace quoin::test {
namespace {

using namespace std::chrono_literals;

struct CoroWorld : PlainWorld {
  TaskGroup serving{server};
  TaskGroup calling{client};
};

Task<> echo_stream(Channel channel) {
  while (true) {
    const Result<SharedBytes> chunk = co_await channel.read();
    if (!chunk || chunk->view().empty()) break;
    const Result<> written = co_await channel.write(*chunk);
    if (!written) break;
  }
  channel.end();
}

Task<> serve_peer(TaskGroup& group, Connection connection) {
  IncomingStreams streams{connection};
  while (true) {
    Result<Channel> channel = co_await streams.accept();
    if (!channel) co_return;
    group.spawn(echo_stream(std::move(*channel)));
  }
}

Task<> serve(TaskGroup& group, Listener& listener) {
  IncomingConnections connections{listener};
  while (true) {
    const Result<Connection> connection = co_await connections.accept();
    if (!connection) co_return;
    group.spawn(serve_peer(group, *connection));
  }
}

Task<std::string> read_all(Channel& channel) {
  std::string all;
  while (true) {
    const Result<SharedBytes> chunk = co_await channel.read();
    REQUIRE(chunk.has_value());
    if (chunk->view().empty()) co_return all;
    all += as_text(chunk->view());
  }
}

Task<Result<>> send(Channel& channel, const std::string& text) {
  for (std::size_t at = 0; at < text.size(); at += 50'000) {
    const Result<> written = co_await channel.write(text.substr(at, 50'000));
    if (!written) co_return written;
  }
  channel.end();
  co_return Result<>{};
}

}  // namespace

TEST_CASE("coroutines accept, connect and echo megabytes under back-pressure") {
  CoroWorld world;
  world.serving.spawn(serve(world.serving, world.listener));
  const std::string text = pattern(2'000'000);
  std::optional<std::string> answer;
  const auto call = [](Dialer& dialer, const std::string& out,
                       std::optional<std::string>& in) -> Task<> {
    const Result<Connection> connection = co_await connect(dialer, "10.0.0.1:4433", "localhost");
    REQUIRE(connection.has_value());
    Channel channel{connection->open_stream().value()};
    auto [sent, received] = co_await when_all(send(channel, out), read_all(channel));
    CHECK(sent.has_value());
    in = std::move(received);
  };
  world.calling.spawn(call(world.dialer, text, answer));
  REQUIRE(world.run_until([&] { return answer.has_value(); }, 1min));
  CHECK(*answer == text);
}

TEST_CASE("reads and writes end with the peer's code when it gives up") {
  CoroWorld world;
  std::optional<Error> read_error;
  std::optional<Error> write_error;
  const auto refuse = [](Listener& listener) -> Task<> {
    IncomingConnections connections{listener};
    const Result<Connection> connection = co_await connections.accept();
    IncomingStreams streams{*connection};
    Result<Channel> channel = co_await streams.accept();
    channel->stream().reset(7);
    channel->stream().stop_sending(8);
    (void)co_await streams.accept();
  };
  const auto call = [](Dialer& dialer, std::optional<Error>& reading,
                       std::optional<Error>& writing) -> Task<> {
    const Result<Connection> connection = co_await connect(dialer, "10.0.0.1:4433", "localhost");
    Channel channel{connection->open_stream().value()};
    (void)co_await channel.write("hello");
    const Result<SharedBytes> got = co_await channel.read();
    reading = got.error();
    const std::string much(100'000, 'x');
    while (!writing) {
      const Result<> written = co_await channel.write(much);
      if (!written) writing = written.error();
    }
  };
  world.serving.spawn(refuse(world.listener));
  world.calling.spawn(call(world.dialer, read_error, write_error));
  REQUIRE(world.run_until([&] { return write_error.has_value(); }, 10s));
  CHECK(*read_error == Error{Error::Domain::application, 7});
  CHECK(*write_error == Error{Error::Domain::application, 8});
}

TEST_CASE("connections beyond the limit of those that wait are closed and counted") {
  CoroWorld world;
  const IncomingConnections connections{world.listener, 1};
  int closed = 0;
  for (int i = 0; i < 3; ++i) {
    world.connect(
        [&](Connection connection) { connection.on_closed([&](const Error&) { ++closed; }); });
  }
  REQUIRE(world.run_until([&] { return closed == 2; }, 10s));
  CHECK(connections.refused() == 2);
}

TEST_CASE("accepting ends when the connection or the listener is gone") {
  PlainWorld world;
  TaskGroup group{world.client};
  std::optional<Error> streams_error;
  std::optional<Error> connect_error;
  auto dialer = std::make_unique<Dialer>(world.client,
                                         Tls::client_from_pem(world.tls.certificate_pem()).value(),
                                         PlainWorld::settings());
  const auto wait = [](Dialer& from, std::optional<Error>& error) -> Task<> {
    const Result<Connection> connection = co_await connect(from, "10.0.0.1:4433", "localhost");
    IncomingStreams streams{*connection};
    const Result<Channel> none = co_await streams.accept();
    error = none.error();
  };
  const auto hopeless = [](Dialer& from, std::optional<Error>& error) -> Task<> {
    const Result<Connection> connection = co_await connect(from, "10.0.0.9:4433", "localhost");
    error = connection.error();
  };
  group.spawn(wait(*dialer, streams_error));
  group.spawn(hopeless(*dialer, connect_error));
  world.network.run_for(1s);
  CHECK_FALSE(streams_error.has_value());
  dialer.reset();
  world.network.run_for(1s);
  CHECK(streams_error == Error{UsageError::closed});
  CHECK(connect_error == Error{UsageError::closed});
}

}  // namespace quoin::test
