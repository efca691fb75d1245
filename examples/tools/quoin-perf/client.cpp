// SPDX-License-Identifier: MIT
/// See client.hpp.
#include "quoin-perf/client.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "common/text.hpp"
#include "quoin-perf/options.hpp"
#include "quoin-perf/protocol.hpp"

namespace quoin::tools {

namespace {

quic::Config config_of(const PerfOptions& options) {
  quic::Config config;
  config.alpn = {std::string{perf_alpn}};
  config.congestion_control = options.congestion_control;
  return config;
}

double gigabits(std::uint64_t bytes, Duration elapsed) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  return seconds > 0 ? static_cast<double>(bytes) * 8 / seconds / 1e9 : 0;
}

// Of sorted values, the one that `share` of all do not exceed.
Duration percentile(const std::vector<Duration>& sorted, double share) {
  if (sorted.empty()) return {};
  const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(index, sorted.size() - 1)];
}

}  // namespace

PerfClient::PerfClient(Loop& loop, Tls tls, const PerfOptions& options)
    : loop_(loop), options_(options), dialer_(loop, std::move(tls), config_of(options)) {}

PerfResult PerfClient::run() {
  for (std::uint64_t i = 0; i < options_.connections && !ending_; ++i) connect();
  if (!ending_) loop_.run();
  return std::move(result_);
}

void PerfClient::connect() {
  const auto connected = [this](Result<Connection> connection) {
    if (connection) return handle_connected(*connection);
    fail("cannot connect: " + connection.error().message());
  };
  const Result<> begun = dialer_.connect(options_.address, options_.server_name, connected);
  if (!begun) fail(begun.error().message());
}

void PerfClient::handle_connected(const Connection& connection) {
  connection.on_closed([this](const Error& reason) {
    if (!ending_) fail("the connection ended: " + reason.message());
  });
  connections_.push_back(connection);
  if (connections_.size() < options_.connections) return;
  // The measurement begins when everybody is there.
  begun_ = loop_.now();
  if (options_.duration != Duration{}) loop_.after(options_.duration, [this] { end(); });
  for (const Connection& each : connections_) {
    for (std::uint64_t stream = 0; stream < options_.streams; ++stream) begin(each);
  }
}

void PerfClient::begin(const Connection& connection) {
  const bool is_enough =
      options_.duration == Duration{} && started_ == options_.connections * options_.streams;
  if (ending_ || is_enough) return;
  const Result<Stream> stream = connection.open_stream();
  if (!stream) {
    // The server allows fewer at a time: those that end make room for others.
    if (stream.error() == Error{UsageError::limit_reached} && running_ != 0) return;
    return fail("cannot open a stream: " + stream.error().message());
  }
  ++running_;
  ++started_;
  stream->on_data(
      [this, connection, transfer = Transfer{.begun = loop_.now()}](Bytes data, bool last) mutable {
        transfer.received += data.size();
        if (last) finish(connection, transfer);
        return data.size();
      });
  stream->on_reset([this](std::uint64_t code) {
    fail("the server reset a stream with code " + std::to_string(code));
  });
  const PerfRequest request = encode_request(options_.download);
  const bool only = options_.upload == 0;
  if (stream->write(request, only) != request.size()) return fail("a new stream has no room");
  if (!only) send_zeros(*stream, options_.upload);
}

void PerfClient::finish(const Connection& connection, const Transfer& transfer) {
  --running_;
  if (ending_) return;
  if (transfer.received != options_.download) {
    return fail("the server sent " + std::to_string(transfer.received) + " bytes instead of " +
                std::to_string(options_.download));
  }
  ++result_.transfers;
  result_.bytes_sent += options_.upload;
  result_.bytes_received += transfer.received;
  result_.latencies.push_back(loop_.now() - transfer.begun);
  result_.elapsed = loop_.now() - begun_;
  begin(connection);
  if (running_ == 0) end();
}

void PerfClient::fail(std::string reason) {
  if (result_.failure.empty()) result_.failure = std::move(reason);
  end();
}

void PerfClient::end() {
  ending_ = true;
  loop_.stop();
}

std::string perf_report(const PerfResult& result, const PerfOptions& options) {
  std::vector<Duration> sorted = result.latencies;
  std::ranges::sort(sorted);
  const double seconds = std::chrono::duration<double>(result.elapsed).count();
  const double rate = seconds > 0 ? static_cast<double>(result.transfers) / seconds : 0;
  const auto micros = [&](double share) {
    return std::chrono::duration<double, std::micro>(percentile(sorted, share)).count();
  };
  if (options.json) {
    return "{\"transfers\": " + std::to_string(result.transfers) +
           ", \"bytes_sent\": " + std::to_string(result.bytes_sent) +
           ", \"bytes_received\": " + std::to_string(result.bytes_received) +
           ", \"seconds\": " + fixed(seconds, 6) + ", \"p50_us\": " + fixed(micros(0.5), 1) +
           ", \"p99_us\": " + fixed(micros(0.99), 1) + "}\n";
  }
  std::string out = std::to_string(result.transfers) + " transfers in " + fixed(seconds, 3) +
                    " s, " + fixed(rate, 1) + " a second; half of them within " +
                    fixed(micros(0.5) / 1000, 3) + " ms, 99 of 100 within " +
                    fixed(micros(0.99) / 1000, 3) + " ms\n";
  if (result.bytes_received != 0) {
    out += "received " + human_size(result.bytes_received) + ", " +
           fixed(gigabits(result.bytes_received, result.elapsed), 3) + " Gbit/s\n";
  }
  if (result.bytes_sent != 0) {
    out += "sent " + human_size(result.bytes_sent) + ", " +
           fixed(gigabits(result.bytes_sent, result.elapsed), 3) + " Gbit/s\n";
  }
  return out;
}

}  // namespace quoin::tools
