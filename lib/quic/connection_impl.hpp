// SPDX-License-Identifier: MIT
/// The inside of a connection: one ngtcp2_conn, one TLS object and the application above them.
/// Not public. R4 and W4 of the architecture's data flows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <quoin/quic/application.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/resumption.hpp>
#include <quoin/tls.hpp>

#include "quic/datagram_queue.hpp"
#include "quic/endpoint/reset_tokens.hpp"
#include "quic/endpoint/token_keys.hpp"
#include "quic/ngtcp2/types.hpp"
#include "quic/overtaking.hpp"
#include "quic/path_mtu.hpp"
#include "quic/qlog.hpp"
#include "quic/tls_requests.hpp"
#include "tls/session.hpp"

namespace quoin::inline v0::quic {

/// Sizes to probe for, likeliest first: an Ethernet path without and with IPv4's smaller header,
/// jumbo frames, then tunnels. ngtcp2 skips sizes below one that arrived and above one that did not
/// (RFC 8899 §5.3), so both groups begin in their middle: a path of 1500 bytes pays for one jumbo
/// probe, one of 1280 for two.
inline constexpr std::array<std::uint16_t, 11> mtu_ladder{1452, 1472,              // Ethernet
                                                          4052, 8972, 8952, 8848,  // jumbo
                                                          1352, 1392, 1372, 1432, 1232};  // tunnels

/// Connection IDs that a peer may issue to us at a time: active_connection_id_limit.
inline constexpr std::uint64_t announced_cids = 7;

/// What all connections of one endpoint share, and how they report to it.
struct Shared {
  Config config;
  Tls tls;
  RandomSource random;
  Capabilities capabilities;
  std::vector<std::uint32_t> versions;  ///< as on the wire, preferred ones first
  std::vector<std::uint8_t> alpn_wire;  ///< as RFC 7301 §3.1 encodes it
  std::size_t handshakes = 0;
  std::uint64_t handshakes_completed = 0;
  std::uint64_t cid_repeats = 0;
  TokenKeys token_keys;
  ResetTokens own_reset_tokens;
  TlsRequests tls_requests;

  virtual void add_cid(const ngtcp2_cid& cid, std::uint32_t slot) = 0;
  virtual void remove_cid(const ngtcp2_cid& cid, std::uint32_t slot) = 0;
  /// Packets with this ID belong to a connection.
  [[nodiscard]] virtual bool knows_cid(const ngtcp2_cid& cid) const = 0;
  /// The peer may end the connection with this token (RFC 9000 §10.3), or no longer.
  virtual void add_reset_token(const ngtcp2_stateless_reset_token& token, std::uint32_t slot) = 0;
  virtual void remove_reset_token(const ngtcp2_stateless_reset_token& token,
                                  std::uint32_t slot) = 0;
  /// The connection's application has news, or it wants to send.
  virtual void mark_ready(std::uint32_t slot) = 0;
  virtual void mark_writable(std::uint32_t slot) = 0;

  Shared(Config settings, Tls identity, RandomSource source)
      : config(std::move(settings)),
        tls(std::move(identity)),
        random(std::move(source)),
        cid_size(config.connection_ids ? config.connection_ids->size() : plain_cid_size) {}

  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  virtual ~Shared() = default;

  void fill_random(std::uint8_t* out, std::size_t size) {
    random({reinterpret_cast<std::byte*>(out), size});
  }

  /// An unused ID; none if the generator keeps repeating itself.
  [[nodiscard]] std::optional<ngtcp2_cid> new_cid();

  /// Long enough not to be guessed, short enough for every packet.
  static constexpr std::size_t plain_cid_size = 12;
  const std::size_t cid_size;  ///< of all the IDs that we issue
};

/// What the front door learned about a client before the connection.
struct AcceptInfo {
  ngtcp2_pkt_hd header;            ///< of the first Initial
  ngtcp2_cid original_dcid;        ///< of the client's very first Initial
  bool after_retry = false;        ///< `header.dcid` is the one we chose in a Retry
  bool address_validated = false;  ///< by a token of ours
};

/// TLS on QUIC.
[[nodiscard]] const tls::Transport& transport() noexcept;

struct ConnDeleter {
  void operator()(ngtcp2_conn* conn) const noexcept { ngtcp2_conn_del(conn); }
};

/// Something to tell ngtcp2 about a stream.
struct StreamCommand {
  enum class Type : std::uint8_t { credit, reset, stop };
  Type type{};
  StreamId stream{};
  std::uint64_t value = 0;  ///< bytes, or a code
};

/// See Connection for the public members.
struct Connection::Impl final : tls::Handshake {
  Impl(Shared& shared, ConnectionKey id, bool server);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  // Calls from the TLS side, in connection_setup.cpp, tls_requests.cpp and resumption.cpp.
  [[nodiscard]] const std::vector<std::string>& protocols() const noexcept override;
  [[nodiscard]] bool takes_early_data() const noexcept override;
  [[nodiscard]] bool begin_wait(TlsRequest& request) override;
  void keep_ticket(std::string ticket) override;

  // Set-up, in connection_setup.cpp.
  [[nodiscard]] Result<> start_client(const Path& path, std::string_view server_name, Time now,
                                      const ConnectOptions& options);
  [[nodiscard]] Result<> start_server(const Path& path, const AcceptInfo& accepted, Time now);

  // Input, in connection.cpp.
  void handle_packet(PathStorage& path, Ecn ecn, Bytes packet, Time now);
  void handle_path_error(const Error& error, Time now);
  /// The token at the end of a stateless reset for this connection.
  [[nodiscard]] bool knows_reset_token(Bytes token) const;
  void handle_timeout(Time now);

  // Output, in packet_writer.cpp.
  [[nodiscard]] std::optional<Datagram> poll_transmit(std::span<std::byte> buffer,
                                                      std::size_t max_segments, Time now);
  /// One packet, for ngtcp2 to call.
  [[nodiscard]] ngtcp2_ssize write_packet(ngtcp2_path* path, ngtcp2_pkt_info* info,
                                          std::uint8_t* dest, std::size_t size, ngtcp2_tstamp now);

  // In datagram_queue.cpp.
  [[nodiscard]] Result<DatagramId> send_datagram(Bytes data);
  void tell_fate(DatagramId datagram, DatagramFate fate);
  /// Reports those that a full queue has dropped since the last time.
  void tell_dropped();
  /// A probe timeout was served: from now on we watch those that ngtcp2 does not report.
  void watch_reclaimed_datagrams();
  /// Reports those of them that are lost by now.
  void tell_lost();
  /// The connection is over: reports all remaining ones.
  void tell_rest();

  // In streams/commands.cpp.
  void carry_out(const StreamCommand& command);
  /// The commands that had to wait.
  void carry_out_rest();
  /// Ends streams that are no longer read and whose size is known by now.
  void end_stopped_streams();

  // Paths, in paths.cpp.
  void tell_path(PathEvent::Type type, const Path& path);
  /// Tells the application when the path in use, or its size, has changed.
  void watch_path();
  /// Gives the guard against black holes the congestion controller's current counters.
  void watch_flight(Time now);
  void watch_sent(std::size_t size, Time now);
  /// A packet left, by the path in use or another.
  void watch_overtaking(bool elsewhere, Time now);

  /// A message says that a datagram of ours was too large.
  void handle_too_large() noexcept { mtu.handle_too_large(); }

  /// Server: lets the peer replace a connection ID that ngtcp2 still counts.
  void tolerate_replacements();

  /// The largest datagram for the path in use, bytes.
  [[nodiscard]] std::size_t udp_payload_size() const noexcept;
  void choose_preferred_address(ngtcp2_path& chosen, const ngtcp2_preferred_addr& offered) const;

  /// The next deadline; Time::max() for none.
  [[nodiscard]] Time deadline() const noexcept;

  /// Asks for a CONNECTION_CLOSE; see Connection::close().
  void close(const Error& reason);
  void set_keep_alive(Duration silence) noexcept;
  /// False: it is too early.
  bool update_keys(Time now);
  /// Ends the connection at once, without telling the peer.
  void end(const Error& reason);
  /// Either side closed: tells the application once.
  void report_closed(const Error& reason);

  /// The return value for a callback of ngtcp2.
  [[nodiscard]] int callback_result() const noexcept {
    return close_wanted ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
  }

  // What the handshake waits for, in tls_requests.cpp.
  /// Ends the wait.
  void stop_waiting() noexcept;
  /// Waits for this request.
  [[nodiscard]] bool awaits(const TlsRequestId& request) const noexcept;
  /// The handshake has its answer.
  void resume_handshake(Time now);
  /// Until when nothing is sent, because the answer may come at once; none: send now.
  ///
  /// An acknowledgement sent ahead of the ServerHello shows the client a round trip that the rest
  /// of the handshake will exceed, so that it probes for what is not lost. (curl 8.14 does worse:
  /// it never sends its requests then.)
  [[nodiscard]] std::optional<Time> held_until() const noexcept;

  [[nodiscard]] bool is_over() const noexcept { return state == State::closed; }

  void handshake_ended() noexcept;
  void handle_handshake_completed();
  void submit_new_token();

  [[nodiscard]] bool is_http3() const noexcept { return session.alpn() == "h3"; }

  Shared& shared;
  ConnectionKey id;
  bool server;
  Connection handle{*this};
  State state = State::handshaking;
  bool counted_handshake = false;
  bool app_started = false;
  bool early = false;  ///< client: early data may be sent, and was not refused
  bool handshake_confirmed = false;
  std::vector<StreamCommand> commands;  ///< that wait until then
  std::vector<std::int64_t> stopped;    ///< open streams that are no longer read
  bool close_wanted = false;            ///< close() was called; the packet is not written yet
  bool reported = false;                ///< the application knows that it is over
  bool is_reason_ours = false;          ///< the close reason's detail is not for the peer
  bool was_reset = false;               ///< a stateless reset was received
  bool train_ended = false;             ///< no packet may follow in the train under way
  bool ready = false;                   ///< in the endpoint's ready list
  bool has_challenged = false;          ///< the packet under way has a PATH_CHALLENGE
  bool writable = false;                ///< in the endpoint's write list
  Error close_reason;
  std::string newest_ticket;  ///< of the TLS session
  std::string token;          ///< the newest NEW_TOKEN
  Time started{};
  Time last_now{};
  Duration handshake_time{};
  PathMtuGuard mtu{mtu_ladder};
  OvertakingGuard overtaking;
  Path known_path;                ///< as the application knows it
  std::size_t known_payload = 0;  ///< the largest datagram, as the application knows it
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_at_key_update = 0;  ///< both ways together
  std::uint64_t key_updates = 0;          ///< that we began
  std::uint64_t packets_received = 0;

  // The closing period (RFC 9000 §10.2).
  std::vector<std::byte> close_packet;
  Path close_path;
  Time close_deadline{};
  std::uint64_t close_triggers = 0;
  std::uint64_t close_budget = 0;
  bool close_due = false;

  DatagramQueue datagrams;

  // Order matters: the C objects are destroyed before what they call back into.
  std::unique_ptr<Application> application;
  QlogFile qlog;
  ngtcp2_crypto_conn_ref conn_ref{};
  tls::Session session;
  std::unique_ptr<ngtcp2_conn, ConnDeleter> conn;
  ngtcp2_ccerr last_error{};
  Time waits_since{};  ///< server: for what the session waits for

 private:
  [[nodiscard]] bool offer_preferred_address(ngtcp2_transport_params& params);
  [[nodiscard]] Result<> start_tls(std::string_view server_name);
  [[nodiscard]] bool allow_early_data();
  /// The options' session belongs to this server and this trust.
  [[nodiscard]] bool can_resume(const ConnectOptions& options) const;
  void use_resumption(const ConnectOptions& options);
  /// Takes the ngtcp2 object, with what becomes known only afterwards.
  void begin_handshake(ngtcp2_conn* made);
  void fill_settings(ngtcp2_settings& settings, Time now, const ngtcp2_cid& odcid);
  void fill_params(ngtcp2_transport_params& params) const;
  void handle_read_error(int result, Time now);
  [[nodiscard]] Error tls_failure() const;
  [[nodiscard]] std::optional<Datagram> write_close(std::span<std::byte> buffer, Time now);
  [[nodiscard]] std::optional<Datagram> repeat_close(std::span<std::byte> buffer);
  [[nodiscard]] ngtcp2_ssize fill_packet(ngtcp2_path* path, ngtcp2_pkt_info* info,
                                         std::uint8_t* dest, std::size_t size, ngtcp2_tstamp now);
  [[nodiscard]] std::optional<ngtcp2_ssize> write_datagram_frame(ngtcp2_path* path,
                                                                 ngtcp2_pkt_info* info,
                                                                 std::uint8_t* dest,
                                                                 std::size_t size,
                                                                 ngtcp2_tstamp now);
};

/// The callbacks that both roles pass to ngtcp2, R5.
[[nodiscard]] ngtcp2_callbacks make_callbacks(bool server) noexcept;

}  // namespace quoin::inline v0::quic
