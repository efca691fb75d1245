// SPDX-License-Identifier: MIT
/// The inside of an endpoint: the table of connections, the front door for new clients, and the
/// order of sending. Not public. R3 and W5 of the data flows.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quoin/quic/endpoint.hpp>

#include "base/fifo.hpp"
#include "base/timer_heap.hpp"
#include "quic/connection_impl.hpp"
#include "quic/endpoint/cid_map.hpp"

namespace quoin::inline v0::quic {

/// Allows this many things a second, and twice as many at once.
class RateLimit {
 public:
  explicit RateLimit(std::size_t per_second) noexcept
      : per_second_(static_cast<double>(per_second)), tokens_(2 * per_second_) {}

  [[nodiscard]] bool take(Time now) noexcept;

 private:
  double per_second_;
  double tokens_;
  Time last_{};
};

/// As in a CidMap.
inline ngtcp2_cid token_as_cid(const ngtcp2_stateless_reset_token& token) {
  ngtcp2_cid cid;
  ngtcp2_cid_init(&cid, token.data, sizeof token.data);
  return cid;
}

struct Endpoint::Impl final : Shared {
  Impl(const Config& settings, Tls identity, RandomSource source, Acceptor accept);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() override;

  /// More are forgotten at once: clients determine their number, and their lifetime (by their
  /// delays).
  static constexpr std::size_t max_buried = 16'384;

  struct Slot {
    std::unique_ptr<Connection::Impl> connection;  ///< null, but with IDs: buried
    std::uint32_t generation = 0;
    /// All IDs that lead here. ngtcp2 does not know that of a first packet it could not read.
    std::vector<ngtcp2_cid> cids;
    /// The peer's tokens, for the connection IDs in use towards it.
    std::vector<ngtcp2_stateless_reset_token> reset_tokens;
  };

  void add_cid(const ngtcp2_cid& cid, std::uint32_t slot) override;
  void remove_cid(const ngtcp2_cid& cid, std::uint32_t slot) override;
  [[nodiscard]] bool knows_cid(const ngtcp2_cid& cid) const override;
  void add_reset_token(const ngtcp2_stateless_reset_token& token, std::uint32_t slot) override;
  void remove_reset_token(const ngtcp2_stateless_reset_token& token, std::uint32_t slot) override;

  void mark_ready(std::uint32_t slot) override;
  void mark_writable(std::uint32_t slot) override;

  // In connection_slots.cpp.
  [[nodiscard]] Connection::Impl& add_connection(bool server);
  void remove_connection(std::uint32_t slot);
  /// Keeps only the IDs of a connection that the peer closed, so that packets still under way to it
  /// are recognised (RFC 9000 §10.2.2). Its memory, a hundred times as much, serves the next
  /// connection while still in the processor's cache.
  void bury(std::uint32_t slot);
  /// The IDs, too.
  void forget(std::uint32_t slot);
  void destroy_connection(std::uint32_t slot);
  void free_slot(std::uint32_t slot);
  /// Removes or buries connections that are over and read by the application.
  void sweep();
  void update_timer(const Connection::Impl& connection);
  /// `path` is the train's.
  void handle_one(const Datagram& train, PathStorage& path, Bytes packet, Time now);

  /// The connection that this stateless reset is for: it has no connection ID of ours, only a token
  /// at its end (RFC 9000 §10.3.1).
  [[nodiscard]] std::optional<std::uint32_t> find_reset(const Path& path, Bytes packet);
  /// The connection that waits for this, or null; in tls/requests.cpp.
  [[nodiscard]] Connection::Impl* find_waiting(const TlsRequestId& request) noexcept;
  void resume(Connection::Impl& connection, Time now);
  void deliver(std::uint32_t slot, const Datagram& train, PathStorage& path, Bytes packet,
               Time now);

  // The front door, in stateless.cpp: none of these keeps anything about the sender.
  void handle_stranger(const Path& path, Ecn ecn, Bytes packet, const ngtcp2_version_cid& decoded,
                       Time now);
  void accept_initial(const Path& path, Ecn ecn, Bytes packet, Time now);
  /// Reads the token in the Initial; false: the packet was answered, there is nothing to accept.
  [[nodiscard]] bool check_token(const Path& path, AcceptInfo& info, Time now);
  [[nodiscard]] bool needs_retry() const noexcept;
  void send_version_negotiation(const Path& path, Bytes packet, const ngtcp2_version_cid& decoded,
                                Time now);
  void send_retry(const Path& path, const ngtcp2_pkt_hd& header, std::size_t received, Time now);
  void send_refusal(const Path& path, const ngtcp2_pkt_hd& header, TransportError code, Time now);
  void send_stateless_reset(const Path& path, Bytes packet, Time now);
  /// Room for a stateless answer, or null after too many.
  [[nodiscard]] std::vector<std::byte>* begin_answer(const Path& path, std::size_t room, Time now);

  struct Answer {
    Path path;
    std::vector<std::byte> packet;
  };

  std::string secret;  ///< Config's, or a random one
  Acceptor acceptor;
  bool accepting = true;
  CidMap cids;
  CidMap reset_tokens;  ///< tokens are like IDs of 16 bytes, and chosen by peers
  std::vector<Slot> slots;
  std::vector<std::uint32_t> free_slots;
  std::size_t connection_count = 0;
  std::size_t buried_count = 0;
  TimerHeap timers;
  Fifo<std::uint32_t> ready;
  Fifo<std::uint32_t> writable;
  std::vector<std::uint32_t> over;
  std::deque<Answer> answers;
  RateLimit stateless_limit;
  EndpointStats counters;
};

}  // namespace quoin::inline v0::quic
