// SPDX-License-Identifier: MIT
/// Makes full handshakes with a server, a number of them at a time, and prints as JSON how many
/// were completed. A connection counts and is closed when the server's session ticket is there,
/// that is, when the server has done all its work for it. On the engine without HTTP/3, so that
/// the client is cheap enough to load a server.

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
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
#include <quoin/quic/tls.hpp>
#include <quoin/time.hpp>

namespace {

using quoin::Duration;
using quoin::Time;
namespace quic = quoin::quic;

constexpr Duration warm_up = std::chrono::milliseconds{300};
constexpr std::size_t buffer_size = 65536;

struct Counts {
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::size_t in_flight = 0;
  std::string failure;
};

/// Waits for the ticket and closes; sends nothing.
class Handshake final : public quic::Application {
 public:
  explicit Handshake(Counts& counts) : counts_(counts) { ++counts_.in_flight; }

  void on_resumable(quic::Connection& connection) override {
    if (std::exchange(is_complete_, true)) return;
    ++counts_.completed;
    --counts_.in_flight;
    connection.close(quoin::Http3Error::no_error);
  }

  void on_closed(quic::Connection& /*connection*/, const quoin::Error& reason) override {
    if (is_complete_) return;
    --counts_.in_flight;
    if (counts_.failed++ == 0) counts_.failure = reason.message();
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
  Counts& counts_;
  bool is_complete_ = false;
};

bool read_number(std::string_view text, unsigned& out) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  return parsed.ec == std::errc{} && parsed.ptr == end && out > 0;
}

class Runner {
 public:
  Runner(const quoin::Address& server, std::size_t parallel)
      : parallel_(parallel), buffer_(buffer_size), backend_(quoin::io::system_backend()) {
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

  /// Returns the exit code.
  int run(Duration span) {
    const Time begin = backend_->now() + warm_up;
    Time now = turn_until(begin);
    const std::uint64_t before = counts_.completed;
    const Time measured_from = now;
    std::cout << "measuring" << std::endl;  // see load.cpp
    now = turn_until(begin + span);
    const double seconds = std::chrono::duration<double>{now - measured_from}.count();
    std::cout << R"({"measured": )" << counts_.completed - before << R"(, "failed": )"
              << counts_.failed << R"(, "seconds": )" << seconds << "}" << std::endl;
    if (counts_.failed != 0) std::cerr << "quoin-bench-handshakes: " << counts_.failure << '\n';
    return counts_.failed == 0 && counts_.completed > before ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  Time turn_until(Time end) {
    Time now = backend_->now();
    while (now < end && counts_.failed == 0) {
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
    while (counts_.in_flight < parallel_) begin_one(now);
    const std::size_t most = backend_->capabilities().max_send_segments;
    while (const auto datagram = endpoint_->poll_transmit(buffer_, most, now)) {
      while (backend_->send({&*datagram, 1}) == 0) backend_->wait(now + warm_up);
    }
  }

  void begin_one(Time now) {
    auto make = [this](quic::Connection& /*connection*/) {
      return std::make_unique<Handshake>(counts_);
    };
    // The name is sent as SNI; nobody is verified.
    (void)endpoint_->connect(path_, "bench.example", std::move(make), now).value();
  }

  std::size_t parallel_;
  std::vector<std::byte> buffer_;
  Counts counts_;  // outlives the endpoint, whose applications refer to it
  std::unique_ptr<quoin::io::Backend> backend_;
  std::optional<quic::Endpoint> endpoint_;
  quoin::Path path_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  unsigned parallel = 0;
  unsigned milliseconds = 0;
  const auto server = quoin::Address::parse(arguments.empty() ? "" : arguments[0]);
  if (arguments.size() != 3 || !server || !read_number(arguments[1], parallel) ||
      !read_number(arguments[2], milliseconds)) {
    std::cerr << "usage: quoin-bench-handshakes ADDRESS:PORT PARALLEL MILLISECONDS\n";
    return 2;
  }
  return Runner{*server, parallel}.run(std::chrono::milliseconds{milliseconds});
}
