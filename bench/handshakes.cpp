// SPDX-License-Identifier: MIT
/// Makes handshakes with a server, full ones or resumed ones, a number of them at a time, and
/// prints as JSON how many were completed. A connection counts and is closed when the server's
/// session ticket is there, that is, when the server has done all its work for it. Or keeps so
/// many connections open, so that one can see what they cost the server. On the engine without
/// HTTP/3, so that the client is cheap enough to load a server. Not a tool for users.

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/resumption.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

namespace {

using quoin::Duration;
using quoin::Time;
namespace quic = quoin::quic;

constexpr Duration warm_up = std::chrono::milliseconds{300};
constexpr Duration longest_idle = std::chrono::seconds{60};
constexpr std::size_t buffer_size = 65536;

enum class Mode : std::uint8_t { full, resumed, idle };

struct State {
  Mode mode = Mode::full;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::size_t in_flight = 0;
  std::string failure;
  quic::Resumption resumption;  ///< of the latest connection, in the mode that wants it

  void fail(std::string why) {
    if (failed++ == 0) failure = std::move(why);
  }
};

/// Waits for the ticket and closes, unless idle; sends nothing.
class Handshake final : public quic::Application {
 public:
  explicit Handshake(State& state) : state_(state) { ++state_.in_flight; }

  void on_resumable(quic::Connection& connection) override {
    if (std::exchange(is_complete_, true)) return;
    ++state_.completed;
    --state_.in_flight;
    if (state_.mode == Mode::resumed) keep_session(connection);
    if (state_.mode != Mode::idle) connection.close(quoin::HttpError::no_error);
  }

  void on_closed(quic::Connection& /*connection*/, const quoin::Error& reason) override {
    if (is_complete_ && state_.mode != Mode::idle) return;
    if (!is_complete_) --state_.in_flight;
    state_.fail(reason.message());
  }

  void on_stream_data(quic::Connection& connection, quic::StreamId stream, quoin::Bytes data,
                      bool /*fin*/) override {
    connection.consume(stream, data.size());
  }

  void on_stream_acked(quic::StreamId /*id*/, std::uint64_t /*bytes*/) override {}

  void on_stream_reset(quic::Connection& /*connection*/, quic::StreamId /*id*/,
                       std::uint64_t /*code*/) override {}

  void on_stop_sending(quic::Connection& /*connection*/, quic::StreamId /*id*/,
                       std::uint64_t /*code*/) override {}

  void on_stream_closed(quic::Connection& /*connection*/, quic::StreamId /*id*/,
                        std::optional<std::uint64_t> /*code*/) override {}

  [[nodiscard]] quic::StreamWrite next_write() override { return {}; }

  void on_written(quic::StreamId /*id*/, std::size_t /*bytes*/, bool /*fin*/) override {}

  void on_blocked(quic::StreamId /*id*/) override {}

  void on_unblocked(quic::StreamId /*id*/) override {}

  void on_write_closed(quic::StreamId /*id*/) override {}

 private:
  void keep_session(const quic::Connection& connection) {
    if (!state_.resumption.empty() && !connection.tls().resumed) {
      state_.fail("the server made a full handshake of one that should have been resumed");
    }
    if (auto newer = connection.resumption()) state_.resumption = *std::move(newer);
  }

  State& state_;
  bool is_complete_ = false;
};

bool read_number(std::string_view text, unsigned& out) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  return parsed.ec == std::errc{} && parsed.ptr == end && out > 0;
}

class Runner {
 public:
  Runner(Mode mode, const quoin::Address& server, std::size_t parallel)
      : parallel_(parallel), buffer_(buffer_size), backend_(quoin::io::system_backend()) {
    state_.mode = mode;
    quic::Config config;
    config.alpn = {"h3"};
    auto random = [this](std::span<std::byte> out) { backend_->fill_random(out); };
    endpoint_ =
        quic::Endpoint::create(config, quoin::Tls::insecure_client(), std::move(random)).value();
    path_.remote = server;
    const quoin::Address source = backend_->source_for(server).value();
    path_.local = backend_->open(source).value();
    endpoint_->set_capabilities(backend_->capabilities());
  }

  /// Returns the exit code. Keeps so many connections open until it is killed, but not forever.
  int idle(std::uint64_t connections) {
    most_ = connections;
    turn_until(backend_->now() + longest_idle, [&] { return state_.completed == connections; });
    if (state_.failed == 0 && state_.completed < connections) state_.fail("the server is slow");
    if (state_.failed == 0) {
      std::cout << "idle" << std::endl;  // now is the time to look at the server
      turn_until(backend_->now() + longest_idle);
    }
    return tell_failure();
  }

  /// Returns the exit code. Measures how many are completed in `span`.
  int run(Duration span) {
    const Time begin = turn_until(backend_->now() + warm_up);
    const std::uint64_t before = state_.completed;
    std::cout << "measuring" << std::endl;  // see load.cpp
    const Time end = turn_until(begin + span);
    const double seconds = std::chrono::duration<double>{end - begin}.count();
    std::cout << R"({"measured": )" << state_.completed - before << R"(, "failed": )"
              << state_.failed << R"(, "seconds": )" << seconds << "}" << std::endl;
    if (state_.completed == before) state_.fail("not one handshake was completed");
    return tell_failure();
  }

 private:
  int tell_failure() {
    if (state_.failed == 0) return EXIT_SUCCESS;
    std::cerr << "quoin-bench-handshakes: " << state_.failure << '\n';
    return EXIT_FAILURE;
  }

  Time turn_until(Time end, const std::function<bool()>& is_enough = [] { return false; }) {
    Time now = backend_->now();
    while (now < end && state_.failed == 0 && !is_enough()) {
      turn(now);
      std::optional<Time> deadline = endpoint_->poll_timeout();
      if (!deadline || *deadline > end) deadline = end;
      backend_->wait(deadline);
      now = backend_->now();
    }
    return now;
  }

  void turn(Time now) {
    for (auto batch = backend_->receive(); !batch.empty(); batch = backend_->receive()) {
      for (const quoin::Datagram& datagram : batch) endpoint_->handle_datagram(datagram, now);
    }
    if (const auto due = endpoint_->poll_timeout(); due && *due <= now) {
      endpoint_->handle_timeout(now);
    }
    while (endpoint_->poll_ready()) {
    }
    while (may_begin_one()) begin_one(now);
    const std::size_t most = backend_->capabilities().max_send_segments;
    while (const auto datagram = endpoint_->poll_transmit(buffer_, most, now)) {
      while (backend_->send({&*datagram, 1}) == 0) backend_->wait(now + warm_up);
    }
  }

  [[nodiscard]] bool may_begin_one() const {
    // The first one gets the ticket for all others.
    const bool has_ticket = state_.mode != Mode::resumed || !state_.resumption.empty();
    return state_.in_flight < (has_ticket ? parallel_ : 1) &&
           state_.completed + state_.in_flight < most_;
  }

  void begin_one(Time now) {
    auto make = [this](quic::Connection& /*connection*/) {
      return std::make_unique<Handshake>(state_);
    };
    // The name is sent as SNI; nobody is verified.
    const quic::ConnectOptions options{.resumption = state_.resumption, .early_data = false};
    (void)endpoint_->connect(path_, "bench.example", std::move(make), now, options).value();
  }

  std::size_t parallel_;
  std::uint64_t most_ = std::numeric_limits<std::uint64_t>::max();
  std::vector<std::byte> buffer_;
  State state_;  // outlives the endpoint, whose applications refer to it
  std::unique_ptr<quoin::io::Backend> backend_;
  std::optional<quic::Endpoint> endpoint_;
  quoin::Path path_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  constexpr std::array<std::string_view, 3> modes{"full", "resumed", "idle"};
  const auto* const mode = std::ranges::find(modes, arguments.empty() ? "" : arguments[0]);
  const auto server = quoin::Address::parse(arguments.size() < 2 ? "" : arguments[1]);
  unsigned parallel = 0;
  unsigned amount = 0;
  if (arguments.size() != 4 || mode == modes.end() || !server ||
      !read_number(arguments[2], parallel) || !read_number(arguments[3], amount)) {
    std::cerr << "usage: quoin-bench-handshakes full|resumed ADDRESS:PORT PARALLEL MILLISECONDS\n"
                 "       quoin-bench-handshakes idle ADDRESS:PORT PARALLEL CONNECTIONS\n";
    return 2;
  }
  Runner runner{static_cast<Mode>(mode - modes.begin()), *server, parallel};
  return *mode == "idle" ? runner.idle(amount) : runner.run(std::chrono::milliseconds{amount});
}
