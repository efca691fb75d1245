// SPDX-License-Identifier: MIT
/// Two connections of ngtcp2 in virtual time, joined in memory, with a TLS and a cipher that only
/// look like some: nothing but ngtcp2 and lib/quic/ngtcp2/*.c is needed, so that a version can be
/// tried before anything else is built. Not for tests of quoin's own connections; see
/// support/pair.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <netinet/in.h>
#include <string>
#include <vector>

#include <ngtcp2/ngtcp2.h>

namespace quoin::probe {

/// Fails the probe that runs, with what broke.
void expect(bool holds, const std::string& what_broke);

class World;

/// One side, with what its connection has told.
struct End {
  World* world = nullptr;
  bool is_server = false;
  ngtcp2_conn* conn = nullptr;

  std::int64_t stream = -1;  ///< what is written next, while `left` or `is_ending` say so
  std::size_t left = 0;
  bool is_ending = false;  ///< the end of the stream is written behind what is left

  std::uint64_t received = 0;  ///< bytes of all streams
  std::vector<std::int64_t> closed;
  std::vector<std::uint64_t> lost_datagrams;
  std::vector<std::uint64_t> acked_datagrams;

  std::array<std::string, 2> heard;  ///< of the handshake, by encryption level
  std::string hello;                 ///< ngtcp2 keeps views of what it sends
  std::string finished;

  /// Opens a stream for `size` bytes to be sent; what is sent is zeros.
  std::int64_t send(std::size_t size);
};

/// How a pair differs from an ordinary one.
struct Options {
  ngtcp2_cc_algo congestion_control = NGTCP2_CC_ALGO_CUBIC;
  std::uint64_t server_window = 0;  ///< given to quoin_ngtcp2_set_initial_window, unless it is 0
  std::size_t server_begins =
      0;  ///< bytes that the server sends before it hears from the client again
  bool stops_at_first = false;  ///< made as soon as the server has got a packet, and heard no more
  bool is_unanswered = false;   ///< the client has no idle timeout, and nobody hears it
};

/// The two sides and the way between them, 10 ms long.
class World {
 public:
  /// The handshake is confirmed on both sides when this returns, unless nobody answers.
  explicit World(const Options& options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  [[nodiscard]] const Options& options() const { return options_; }

  void run_for(ngtcp2_duration span);

  /// Passes time in which neither side is even asked what it wants.
  void sleep_for(ngtcp2_duration span) { now += span; }

  /// Delivers what has arrived by now, and lets nobody answer.
  void arrive();
  /// Lets a side write what it has to.
  void write(End& end);
  /// Sends one packet that carries a datagram and the beginning of what `end` has to send.
  void write_datagram(End& end, std::uint64_t id);

  [[nodiscard]] ngtcp2_duration pto(const End& end) const;

  ngtcp2_tstamp now = NGTCP2_SECONDS;
  End client;
  End server;
  bool is_deaf_client = false;  ///< what is sent to the client is lost
  bool is_deaf_server = false;
  std::size_t lose_to_server = 0;    ///< so many of the next packets are lost
  std::uint16_t client_port = 4433;  ///< as a NAT shows it; what goes to another is lost
  std::uint8_t last_packet = 0;      ///< the end of the number of the packet that was sent last

 private:
  struct Packet {
    ngtcp2_tstamp arrival;
    bool to_server;
    std::uint16_t client_port;
    std::vector<std::uint8_t> bytes;
  };

  void make_client();
  void make_server(const Packet& first);
  void deliver(const Packet& packet);
  void transmit(const End& from, const ngtcp2_path& path, std::size_t size);
  void serve(End& end);

  Options options_;
  std::deque<Packet> in_flight_;
  std::array<std::uint8_t, 2048> buffer_{};
};

}  // namespace quoin::probe
