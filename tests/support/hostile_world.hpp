// SPDX-License-Identifier: MIT
/// A server with a client that sends it any frames a test wants, and an honest client as well. Not
/// for handshakes: the hostile client begins with an ordinary one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/datagram.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

namespace quoin::test {

/// `value` as a variable-length integer (RFC 9000 §16); at most 2^62 - 1.
[[nodiscard]] std::string varint(std::uint64_t value);

/// Frames one after the other (RFC 9000 §19).
[[nodiscard]] std::string stream_frame(std::uint64_t id, std::uint64_t offset,
                                       std::string_view data);
[[nodiscard]] std::string crypto_frame(std::uint64_t offset, std::string_view data);

/// Bytes currently allocated by the process; 0 under sanitizers.
[[nodiscard]] std::size_t heap_in_use();

/// Builds the short-header packets of a connection whose secret it knows (RFC 9001 §5).
class Forger {
 public:
  /// `secret` is that of the sender's 1-RTT packets, for AES-128-GCM in QUIC v1.
  Forger(Bytes secret, Bytes destination_id);

  [[nodiscard]] std::vector<std::byte> seal(std::string_view frames, std::uint32_t number) const;

 private:
  std::vector<std::byte> key_;
  std::vector<std::byte> iv_;
  std::vector<std::byte> header_key_;
  std::vector<std::byte> destination_id_;
};

/// The server is 10.0.0.1, the hostile client 10.0.0.2, the honest one 10.0.0.3.
class HostileWorld {
 public:
  explicit HostileWorld(const quic::Config& server_config = settings());
  HostileWorld(const HostileWorld&) = delete;
  HostileWorld& operator=(const HostileWorld&) = delete;
  ~HostileWorld();

  [[nodiscard]] static quic::Config settings();

  /// Sends these frames in one packet from the hostile client, which then sends nothing else.
  void attack(std::string_view frames);

  void run_for(Duration span) { network.run_for(span); }

  /// How long the honest client takes to connect and to have 100,000 bytes echoed.
  [[nodiscard]] Duration honest_exchange();

  /// The name of the error that ended the hostile connection.
  [[nodiscard]] std::string ended() const {
    return closed ? std::string{closed->name()} : "it goes on";
  }

  io::SimulatedNetwork network;
  Connection victim;            ///< the server's end of the hostile connection
  std::optional<Error> closed;  ///< why that ended
  std::uint64_t answered = 0;   ///< bytes that the server has sent to the hostile client
  std::uint64_t sent = 0;       ///< bytes that the hostile client has sent

 private:
  void begin();

  Tls tls_;
  Listener listener_;
  std::unique_ptr<Dialer> hostile_;
  std::unique_ptr<Dialer> honest_;
  std::string secret_;
  Path path_;
  std::vector<std::byte> destination_id_;
  std::optional<Forger> forger_;
  std::uint32_t number_ = 10'000;
};

}  // namespace quoin::test
