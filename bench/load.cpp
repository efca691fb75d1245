// SPDX-License-Identifier: MIT
/// Asks a server for the same URL again and again, over a number of connections with a number of
/// requests under way on each, and prints as JSON how many were answered and how long each took.
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

#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/tls.hpp>
#include <quoin/time.hpp>

namespace {

using quoin::Duration;
using quoin::Time;

/// Before the measurement: handshakes, slow start, the server's caches.
constexpr Duration warm_up = std::chrono::milliseconds{300};

struct Options {
  std::string url;
  unsigned connections = 1;
  unsigned streams = 1;
  unsigned milliseconds = 1000;
};

bool read_number(std::string_view text, unsigned& out) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  return parsed.ec == std::errc{} && parsed.ptr == end && out > 0;
}

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)) {}

  /// Returns the exit code.
  int run() {
    for (unsigned i = 0; i < options_.connections; ++i) {
      clients_.push_back(std::make_unique<quoin::Client>(loop_, quoin::Tls::insecure_client()));
      for (unsigned j = 0; j < options_.streams; ++j) ask(*clients_.back());
    }
    loop_.after(warm_up, [this] {
      is_measuring_ = true;
      begun_ = loop_.now();
    });
    loop_.after(warm_up + std::chrono::milliseconds{options_.milliseconds}, [this] {
      ended_ = loop_.now();
      loop_.stop();
    });
    loop_.run();
    print();
    return failed_ == 0 && !latencies_.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  void ask(quoin::Client& client) {
    client.get(options_.url, [this, &client](quoin::Result<quoin::Reply> reply) {
      note(reply);
      if (failed_ == 0) ask(client);
    });
  }

  void note(const quoin::Result<quoin::Reply>& reply) {
    if (!reply || reply->status != 200) {
      if (failed_++ == 0) {
        std::cerr << "quoin-bench-load: " << options_.url << ": "
                  << (reply ? "status " + std::to_string(reply->status) : reply.error().message())
                  << '\n';
      }
      loop_.stop();
      return;
    }
    ++answered_;
    if (is_measuring_) {
      bytes_ += reply->body.size();
      latencies_.push_back(reply->timing.total);
    }
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
    std::cout << R"({"answered": )" << answered_ << R"(, "measured": )" << latencies_.size()
              << R"(, "failed": )" << failed_ << R"(, "bytes": )" << bytes_ << R"(, "seconds": )"
              << seconds << R"(, "p50_us": )" << percentile(50) << R"(, "p99_us": )"
              << percentile(99) << "}\n";
  }

  Options options_;
  quoin::Loop loop_;
  std::vector<std::unique_ptr<quoin::Client>> clients_;
  std::vector<Duration> latencies_;
  Time begun_;
  Time ended_;
  std::uint64_t answered_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t failed_ = 0;
  bool is_measuring_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  Options options;
  if (arguments.size() != 4 || !read_number(arguments[1], options.connections) ||
      !read_number(arguments[2], options.streams) ||
      !read_number(arguments[3], options.milliseconds)) {
    std::cerr << "usage: quoin-bench-load URL CONNECTIONS STREAMS MILLISECONDS\n";
    return 2;
  }
  options.url = arguments[0];
  return Load{std::move(options)}.run();
}
