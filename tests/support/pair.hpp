// SPDX-License-Identifier: MIT
/// A client and a server endpoint joined in memory, in virtual time: for tests of the engine.
/// Not a network: two hosts, one path unless a test says otherwise. See io::SimulatedNetwork for
/// tests of what runs on a loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_message.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/resumption.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

namespace quoin::test {

/// One datagram on its way, without segmentation.
struct Packet {
  Path path;  ///< as the receiver sees it
  std::vector<std::byte> payload;
  Ecn ecn = Ecn::not_ect;
};

/// One end of a pair, with what its connections have reported.
struct Side {
  Address address;
  std::optional<quic::Endpoint> endpoint;
  /// Called with every event, before it is recorded below.
  std::function<void(quic::Connection&, const quic::StreamEvent&)> on_event;
  /// Streams that nobody reads.
  std::set<quic::StreamId> stalled;

  std::vector<quic::StreamEvent> events;           ///< all but data and writable
  std::map<quic::StreamId, std::string> received;  ///< what was read from each stream
  std::set<quic::StreamId> finished;               ///< read to the end
  std::vector<std::string> datagrams;              ///< received ones
  std::optional<Error> closed;                     ///< the reason of the last connection that ended
  std::optional<quic::ConnectionKey> connection;   ///< the one that reported last
  std::uint64_t packets_sent = 0;
  std::uint64_t bytes_sent = 0;

  [[nodiscard]] bool is_connected() const;
  /// How often it happened.
  [[nodiscard]] std::size_t count(quic::StreamEvent::Type type) const;
  /// The connection that reported last; the test fails if it is gone.
  [[nodiscard]] quic::Connection& live();
  [[nodiscard]] quic::Streams& streams();
};

/// Settings with the application protocol "test" and only the default limits.
[[nodiscard]] quic::Config test_config();

/// What a pair is made of.
struct PairOptions {
  std::uint64_t seed = 1;
  quic::Config client = test_config();
  quic::Config server = test_config();
  quic::StreamsConfig streams{};
  Duration delay = std::chrono::milliseconds{10};  ///< one way
  double loss = 0;                                 ///< probability, both ways
};

/// The two ends and the path between them.
class Pair {
 public:
  /// The seed is shown with every failed assertion of the test.
  explicit Pair(PairOptions options = {});

  /// Opens a connection from the client to the server.
  quic::ConnectionKey connect(std::string_view server_name = "localhost",
                              const quic::ConnectOptions& options = {});
  /// connect(), and run until both sides are connected.
  void establish(std::string_view server_name = "localhost",
                 const quic::ConnectOptions& options = {});
  /// Replaces an end with a new one with the same settings, as a restart of the process would.
  void restart_server();
  /// The same with other settings.
  void restart_server(const quic::Config& settings);

  /// Runs until `done` (checked after every step) or for `limit`; false at the limit, or when
  /// nothing is left to happen.
  [[nodiscard]] bool run_until(const std::function<bool()>& done, Duration limit);
  void run_for(Duration span);
  /// Delivers to `to` at once, as if `from` had sent it.
  void inject(Side& to, const Address& from, Bytes payload);

  [[nodiscard]] Time now() const noexcept { return now_; }

  [[nodiscard]] std::mt19937_64& random() noexcept { return random_; }

  Side client;
  Side server;
  /// Asked for every datagram that is sent; false loses it. It may change the packet.
  std::function<bool(const Side& from, Packet&)> filter;

 private:
  [[nodiscard]] bool step(Time limit);
  void deliver();
  void serve(Side& side);
  void transmit(Side& from, Side& to);
  void note(Side& side, quic::Connection& connection, quic::StreamEvent event);
  void make_server();

  PairOptions options_;
  Catch::ScopedMessage seed_message_;
  std::mt19937_64 random_;
  std::optional<Tls> server_tls_;
  Time now_{std::chrono::seconds{1}};
  std::multimap<Time, std::pair<Side*, Packet>> in_flight_;
  std::vector<std::byte> buffer_;
};

/// `size` bytes that vary with position and seed.
[[nodiscard]] std::string pattern(std::size_t size, unsigned seed = 0);

/// Writes all of `text` and the end to the stream as room allows; call it again on `writable`.
class Upload {
 public:
  Upload(quic::StreamId id, std::string text) : id_(id), text_(std::move(text)) {}

  void pump(quic::Streams& streams);

  [[nodiscard]] quic::StreamId id() const noexcept { return id_; }

  [[nodiscard]] std::size_t sent() const noexcept { return offset_; }

  [[nodiscard]] bool is_done() const noexcept { return done_; }

 private:
  quic::StreamId id_;
  std::string text_;
  std::size_t offset_ = 0;
  bool done_ = false;
};

}  // namespace quoin::test
