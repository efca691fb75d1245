// SPDX-License-Identifier: MIT
/// Asks a server for the same file again and again, over a number of connections with a number of
/// requests under way on each or at a fixed rate, and prints as JSON how many were answered and
/// how long they took.
/// Written on the public Client, so that it also shows what that costs. Not a tool for users.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

namespace {

using quoin::Duration;
using quoin::Time;

/// Before the measurement: handshakes, slow start, the server's caches.
constexpr Duration warm_up = std::chrono::milliseconds{300};
constexpr unsigned most_sockets = 16;
constexpr unsigned connecting_at_once = 16;
constexpr unsigned most_behind = 5;  // seconds' worth of requests without an answer

struct Options {
  quoin::Address server;
  std::string path;
  unsigned connections = 1;
  unsigned streams = 1;
  unsigned milliseconds = 1000;
  unsigned rate = 0;  ///< requests a second; 0: as many as are answered
};

bool read_number(std::string_view text, unsigned& out) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  return parsed.ec == std::errc{} && parsed.ptr == end && out > 0;
}

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)) {
    for (unsigned i = 0; i < std::min(options_.connections, most_sockets); ++i) {
      quoin::ClientConfig config;
      config.max_connections = options_.connections;
      clients_.push_back(
          std::make_unique<quoin::Client>(loop_, quoin::Tls::insecure_client(), std::move(config)));
    }
  }

  /// Returns the exit code.
  int run() {
    for (unsigned i = 0; i < std::min(options_.connections, connecting_at_once); ++i) connect();
    loop_.run();
    print();
    return failed_ == 0 && !latencies_.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  [[nodiscard]] bool is_paced() const { return options_.rate != 0; }

  /// A client has one connection to each host, and they all are the same server.
  struct Connection {
    quoin::Client* client;
    std::string url;
  };

  /// Opens a connection by a first request, and another one when that is answered.
  void connect() {
    const std::size_t index = connections_.size();
    const std::string host = "c" + std::to_string(index) + ".bench.example";
    const std::string port = std::to_string(options_.server.port());
    quoin::Client& client = *clients_[index % clients_.size()];
    (void)client.resolve(host, options_.server.port(), options_.server);
    connections_.push_back({&client, "https://" + host + ":" + port + options_.path});
    client.get(connections_.back().url, [this](quoin::Result<quoin::Reply> reply) {
      if (!note(reply)) return;
      ++connected_;
      if (connections_.size() < options_.connections) connect();
      if (connected_ == options_.connections) start();
    });
  }

  void start() {
    loop_.after(warm_up, [this] { begin(); });
    if (is_paced()) return;
    for (const Connection& connection : connections_) {
      for (unsigned i = 0; i < options_.streams; ++i) ask(connection);
    }
  }

  /// The line tells the harness when to look at the processes' CPU time for the first time.
  void begin() {
    is_measuring_ = true;
    begun_ = due_ = loop_.now();
    std::cout << "measuring\n" << std::flush;
    loop_.after(std::chrono::milliseconds{options_.milliseconds}, [this] { end(); });
    if (is_paced()) ask_what_is_due();
  }

  void end() {
    ended_ = loop_.now();
    has_ended_ = true;
    // What was asked at its time counts, however late the answer is.
    if (!is_paced() || under_way_ == 0) loop_.stop();
  }

  /// Closed loop: the next request when the one before is answered.
  void ask(const Connection& connection) {
    connection.client->get(connection.url, [this, &connection](quoin::Result<quoin::Reply> reply) {
      if (!note(reply)) return;
      if (is_measuring_) measured(*reply, reply->timing.total);
      ask(connection);
    });
  }

  /// Open loop: requests have their times, whether those before are answered or not. Latency
  /// counts from that time and not from when the request was sent, so that a server that stalls
  /// is not spared the requests that had to wait meanwhile.
  void ask_what_is_due() {
    const Time now = loop_.now();
    for (; due_ <= now && !has_ended_; due_ += Duration{std::chrono::seconds{1}} / options_.rate) {
      ask_at(due_, connections_[turn_++ % connections_.size()]);
    }
    if (under_way_ > std::size_t{options_.rate} * most_behind) {
      std::cerr << "quoin-bench-load: the server cannot keep up with the rate\n";
      ++failed_;
      loop_.stop();
    }
    if (!has_ended_) loop_.after(due_ - now, [this] { ask_what_is_due(); });
  }

  void ask_at(Time intended, const Connection& connection) {
    ++under_way_;
    connection.client->get(connection.url, [this, intended](quoin::Result<quoin::Reply> reply) {
      --under_way_;
      if (!note(reply)) return;
      measured(*reply, loop_.now() - intended);
      if (has_ended_ && under_way_ == 0) loop_.stop();
    });
  }

  bool note(const quoin::Result<quoin::Reply>& reply) {
    if (reply && reply->status == 200) return true;
    if (failed_++ == 0) {
      std::cerr << "quoin-bench-load: " << options_.path << ": "
                << (reply ? "status " + std::to_string(reply->status) : reply.error().message())
                << '\n';
    }
    loop_.stop();
    return false;
  }

  void measured(const quoin::Reply& reply, Duration latency) {
    bytes_ += reply.body.size();
    latencies_.push_back(latency);
  }

  [[nodiscard]] double percentile(std::size_t percent) {
    if (latencies_.empty()) return 0;
    const auto at =
        latencies_.begin() + static_cast<std::ptrdiff_t>((latencies_.size() - 1) * percent / 100);
    std::ranges::nth_element(latencies_, at);
    return std::chrono::duration<double, std::micro>{*at}.count();
  }

  void print() {
    const double seconds = std::chrono::duration<double>{ended_ - begun_}.count();
    std::cout << R"({"measured": )" << latencies_.size() << R"(, "failed": )" << failed_
              << R"(, "bytes": )" << bytes_ << R"(, "seconds": )" << seconds << R"(, "p50_us": )"
              << percentile(50) << R"(, "p99_us": )" << percentile(99) << "}" << std::endl;
  }

  Options options_;
  quoin::Loop loop_;
  std::vector<std::unique_ptr<quoin::Client>> clients_;
  std::vector<Connection> connections_;
  std::vector<Duration> latencies_;
  Time begun_;
  Time ended_;
  Time due_;  // of the next request, in the open loop
  std::size_t connected_ = 0;
  std::size_t turn_ = 0;
  std::size_t under_way_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t failed_ = 0;
  bool is_measuring_ = false;
  bool has_ended_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  const auto server = quoin::Address::parse(arguments.empty() ? "" : arguments[0]);
  Options options;
  if (arguments.size() < 5 || arguments.size() > 6 || !server ||
      !read_number(arguments[2], options.connections) ||
      !read_number(arguments[3], options.streams) ||
      !read_number(arguments[4], options.milliseconds) ||
      (arguments.size() == 6 && !read_number(arguments[5], options.rate))) {
    std::cerr << "usage: quoin-bench-load ADDRESS:PORT PATH CONNECTIONS STREAMS MILLISECONDS "
                 "[REQUESTS-A-SECOND]\n";
    return 2;
  }
  options.server = *server;
  options.path = arguments[1];
  return Load{std::move(options)}.run();
}
