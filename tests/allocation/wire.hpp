// SPDX-License-Identifier: MIT
/// A server and a client on two loops, joined by a wire that allocates nothing once it is there,
/// in virtual time: what is counted in a turn is the library's. Not a network; see
/// io::SimulatedNetwork for one.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/datagram.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/server.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "allocation/counting.hpp"

namespace quoin::test {

/// One end of the wire. Nothing is lost unless its queue is full.
class WireEnd final : public io::Backend {
 public:
  explicit WireEnd(Time& clock) : clock_(clock), places_(most) {
    for (Place& place : places_) place.bytes.resize(largest);
    batch_.reserve(most);
  }

  void join(WireEnd& other) noexcept { other_ = &other; }

  /// Datagrams that were sent, each segment of a train for itself.
  [[nodiscard]] std::uint64_t packets_sent() const noexcept { return packets_sent_; }

  [[nodiscard]] std::optional<Time> next_arrival() const noexcept {
    return first_ == last_ ? std::nullopt : std::optional{places_[first_ % most].arrival};
  }

  [[nodiscard]] Time now() const noexcept override { return clock_; }

  void fill_random(std::span<std::byte> out) noexcept override {
    for (std::byte& byte : out) byte = static_cast<std::byte>(random_());
  }

  [[nodiscard]] Result<Address> open(const Address& local) override {
    return local.port() == 0 ? Address::parse("192.0.2.2:5000") : local;
  }

  void close(const Address& /*local*/) noexcept override {}

  [[nodiscard]] io::Capabilities capabilities() const noexcept override {
    return {.may_fragment = false, .max_send_segments = 40, .receive_offload = true, .ecn = true};
  }

  void wait(std::optional<Time> /*deadline*/) override {}

  [[nodiscard]] std::span<const Datagram> receive() override {
    batch_.clear();
    for (; first_ != last_ && places_[first_ % most].arrival <= clock_; ++first_) {
      batch_.push_back(places_[first_ % most].datagram);
    }
    return batch_;
  }

  [[nodiscard]] std::size_t send(std::span<const Datagram> batch) override {
    for (const Datagram& datagram : batch) {
      const std::size_t size = datagram.payload.size();
      packets_sent_ += datagram.segment_size == 0
                           ? 1
                           : (size + datagram.segment_size - 1) / datagram.segment_size;
      other_->take(datagram);
    }
    return batch.size();
  }

  void wake() noexcept override {}

  [[nodiscard]] std::string describe() const override { return "a wire"; }

 private:
  struct Place {
    std::vector<std::byte> bytes;
    Datagram datagram;
    Time arrival;
  };

  void take(const Datagram& sent) {
    if (last_ - first_ == most) return;
    Place& place = places_[last_++ % most];
    std::ranges::copy(sent.payload, place.bytes.begin());
    place.datagram = sent;
    std::swap(place.datagram.path.local, place.datagram.path.remote);
    place.datagram.payload = Bytes{place.bytes}.first(sent.payload.size());
    place.arrival = clock_ + std::chrono::milliseconds{1};
  }

  static constexpr std::size_t most = 128;  // on their way
  static constexpr std::size_t largest = 65536;

  Time& clock_;
  WireEnd* other_ = nullptr;
  std::vector<Place> places_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
  std::vector<Datagram> batch_;
  std::mt19937 random_{1};
  std::uint64_t packets_sent_ = 0;
};

/// What one side has done.
struct Usage {
  std::uint64_t allocations = 0;
  std::uint64_t packets = 0;

  friend Usage operator-(const Usage& a, const Usage& b) noexcept {
    return {.allocations = a.allocations - b.allocations, .packets = a.packets - b.packets};
  }
};

/// A server at 192.0.2.1:4433 and a client.
class WireWorld {
 public:
  WireWorld() {
    // Windows that do not grow, and less than the wire holds: memory grows with what is under way.
    ServerConfig server_config;
    ClientConfig client_config;
    for (quic::Config* const config : {&server_config.quic, &client_config.quic}) {
      config->max_stream_window = config->stream_window;
      config->max_connection_window = config->connection_window;
    }
    auto server_end = std::make_unique<WireEnd>(now_);
    auto client_end = std::make_unique<WireEnd>(now_);
    server_end->join(*client_end);
    client_end->join(*server_end);
    server_.end = server_end.get();
    client_.end = client_end.get();
    server_.loop.emplace(std::move(server_end));
    client_.loop.emplace(std::move(client_end));
    const Tls tls = Tls::self_signed(std::array<std::string, 1>{"192.0.2.1"}).value();
    server.emplace(*server_.loop, tls, std::move(server_config));
    client.emplace(*client_.loop, Tls::client_from_pem(tls.certificate_pem()).value(),
                   std::move(client_config));
  }

  /// Runs until `done`; false after a minute or when nothing is left to happen.
  [[nodiscard]] bool run_until(const std::function<bool()>& done) {
    const Time limit = now_ + std::chrono::minutes{1};
    while (now_ < limit) {
      turn(client_);
      turn(server_);
      if (done()) return true;
      std::optional<Time> next;
      for (Side* const side : {&client_, &server_}) {
        for (const auto& due : {side->end->next_arrival(), side->loop->deadline()}) {
          if (due && (!next || *due < *next)) next = due;
        }
      }
      if (!next) return false;
      now_ = std::max(now_, *next);
    }
    return false;
  }

  [[nodiscard]] Usage server_usage() const noexcept { return usage(server_); }

  [[nodiscard]] Usage client_usage() const noexcept { return usage(client_); }

 private:
  struct Side {
    std::optional<Loop> loop;
    WireEnd* end = nullptr;
    std::uint64_t allocations = 0;  // in its turns
  };

  static void turn(Side& side) {
    const std::uint64_t before = allocations();
    side.loop->turn();
    side.allocations += allocations() - before;
  }

  static Usage usage(const Side& side) noexcept {
    return {.allocations = side.allocations, .packets = side.end->packets_sent()};
  }

  Time now_{std::chrono::seconds{1}};
  Side server_;
  Side client_;

 public:
  std::optional<Server> server;
  std::optional<Client> client;
};

}  // namespace quoin::test
