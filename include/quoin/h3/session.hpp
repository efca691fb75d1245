// SPDX-License-Identifier: MIT
/// HTTP/3 on one QUIC connection (RFC 9114), for both roles, without routes, URLs or handlers:
/// events come out, commands go in. Programs usually want Server or Client instead.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/headers.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>

namespace quoin::inline v0::h3 {

/// H3_DATAGRAM_ERROR: a malformed datagram, or one on a request without datagram support (RFC 9297
/// §5.2).
inline constexpr HttpError datagram_error{0x33};

/// Limits of one session. Each is enforced here, whatever the peer was told.
struct Config {
  /// The largest field section accepted, in bytes as RFC 9114 §4.2.2 counts, and the most fields.
  /// Headers, trailers and interim responses of a message count together.
  std::size_t max_field_section = 64 * 1024;
  /// See max_field_section.
  std::size_t max_fields = 128;
  /// QPACK (RFC 9204 §5): our decoder's dynamic table in bytes, and streams that may wait for it.
  std::size_t qpack_capacity = 4096;
  /// See qpack_capacity.
  std::size_t qpack_blocked_streams = 100;
  /// The most of the peer's decoder table that our encoder uses, in bytes.
  std::size_t qpack_encoder_capacity = 4096;
  /// No dynamic table in either direction, overriding the settings above: nothing sent earlier
  /// makes later messages shorter, and no message waits for another.
  bool qpack_static_only = false;
  /// Server: requests that the client may have open at a time. QUIC enforces it; this must equal
  /// quic::Config::max_bidirectional_streams, because priorities may arrive before the requests
  /// they are for (RFC 9218 §7.1).
  std::size_t max_requests = 100;
  /// Server: accepts extended CONNECT, requests with `:protocol`, and announces it (RFC 9220 §3).
  bool extended_connect = false;
  /// Accepts and sends HTTP datagrams, and announces it (RFC 9297 §2.1.1). They use DATAGRAM
  /// frames: quic::Config::max_datagram_frame must not be 0; Server and Client ensure that.
  bool datagrams = false;
  /// Received datagrams that may wait to be polled; further ones are dropped.
  std::size_t datagram_queue = 256;
  /// Bytes of a message body that may wait to be sent for the first time, for each stream.
  std::size_t send_buffer = 256 * 1024;
  /// Bytes of bodies that may be kept for sending or until acknowledged, for the whole session.
  std::size_t send_buffer_total = 64 * 1024 * 1024;
  /// Events that may wait to be polled; beyond that the session is closed with H3_EXCESSIVE_LOAD.
  std::size_t max_events = 16384;
};

/// Something the peer did, or that became possible.
struct Event {
  /// What happened.
  enum class Type : std::uint8_t {
    connected,            ///< the handshake is complete
    headers,              ///< a request (server) or a final response (client): `headers`
    informational,        ///< client: an interim response, status 1xx: `headers`
    trailers,             ///< the fields after the body: `headers`; the end of the message follows
    data,                 ///< there is something to read() now, or the end of the message
    writable,             ///< room() has grown again after there was none
    reset,                ///< the peer gave up sending, see `error`
    stop_sending,         ///< the peer wants no more of our body, see `error`
    datagram,             ///< `datagram` has arrived for a message whose headers have
    closed,               ///< the stream is over and fully read; no error after an orderly end
    goaway,               ///< client: no new requests; those from `stream` on were not processed
    streams_available,    ///< client: request() may work again
    resumable,            ///< client: quic::Connection::resumption() has something, or newer
    early_data_rejected,  ///< client: early data and all streams are lost; streams get no
                          ///< other event; request() works again after `connected`
    path,                 ///< `path` changed
    disconnected,         ///< the connection is over, the last event of all: `error`
  };
  Type type{};                              ///< what happened
  quic::StreamId stream = quic::no_stream;  ///< no_stream where the event is not about a stream
  Headers headers{};                        ///< see Type
  Error error{};                            ///< see Type
  bool early = false;                       ///< headers: of a request in early data (0-RTT)
  std::vector<std::byte> datagram{};        ///< see Type
  quic::PathEvent path{};                   ///< see Type
};

/// The next bytes of a message body; valid until the next call for this stream.
struct Chunk {
  Bytes data{};       ///< contiguous bytes; more may follow
  bool last = false;  ///< the message ends behind `data`
};

/// One HTTP/3 session. Its commands may be called at any time except from within the engine; for a
/// stream that is gone they return UsageError::stale_handle, or 0.
class QUOIN_EXPORT Session final : public quic::Application {
 public:
  struct Impl;

  /// The connection must outlive the session; an Endpoint ensures that.
  Session(quic::Connection& connection, const Config& config);
  ~Session() override;

  /// Client: what peer_settings() returned on the connection being resumed; early data obeys it
  /// until the server's settings arrive (RFC 9114 §7.2.4.2). Call it before anything is sent; other
  /// text is ignored.
  void assume_peer_settings(std::string_view settings);
  /// The peer's settings, as quic::Resumption::set_application_data() can keep them; empty until
  /// they are known.
  [[nodiscard]] std::string peer_settings() const;

  /// The next event, in order.
  [[nodiscard]] std::optional<Event> poll_event();

  /// Client: begins a request. With `has_body`, write() follows, else the message ends here.
  /// Errors: UsageError::limit_reached when the peer allows no more streams for now (wait for
  /// streams_available), closed, invalid_argument with the offending field,
  /// LocalError::connection_draining after GOAWAY. With `:protocol` (extended CONNECT) also
  /// limit_reached until the server's SETTINGS have arrived, and unsupported if they do not allow
  /// it.
  [[nodiscard]] Result<quic::StreamId> request(const Headers& headers, bool has_body);
  /// Server: begins the final response. Errors: UsageError::stale_handle, invalid_argument (also
  /// for a second response).
  [[nodiscard]] Result<> respond(quic::StreamId stream, const Headers& headers, bool has_body);
  /// Server: an interim response, status 100 to 199 except 101, before respond().
  [[nodiscard]] Result<> inform(quic::StreamId stream, const Headers& headers);
  /// Appends as much to the body as there is room() for and returns how much that was. `last`
  /// counts only if all was taken.
  [[nodiscard]] std::size_t write(quic::StreamId stream, Bytes data, bool last);
  /// Appends shared bytes: all, or none (no room, or stale). They do not count as buffered until
  /// acknowledged, but only one piece is held at a time: write the next after writable.
  [[nodiscard]] bool write(quic::StreamId stream, SharedBytes data, bool last);
  /// Ends the body with trailers. Errors: UsageError::stale_handle, invalid_argument, closed.
  [[nodiscard]] Result<> write_trailers(quic::StreamId stream, const Headers& headers);
  /// How many bytes of a stream's two message bodies have been received or acknowledged so far; 0
  /// for a stream that is gone. For detecting that a stream makes no progress.
  [[nodiscard]] std::uint64_t progress(quic::StreamId stream) const noexcept;
  /// How many bytes write() would take now.
  [[nodiscard]] std::size_t room(quic::StreamId stream) const noexcept;

  /// The body bytes waiting to be taken.
  [[nodiscard]] Chunk read(quic::StreamId stream);
  /// Takes `bytes` of them (at most what read() showed) and gives the peer as much credit. An empty
  /// last chunk need not be taken.
  void consume(quic::StreamId stream, std::size_t bytes);

  /// Client: changes a request's priority from what its `priority` field said (PRIORITY_UPDATE, RFC
  /// 9218 §7.1). Server: sends the response with this priority, whatever the client says from now
  /// on (RFC 9218 §8). Error: UsageError::stale_handle.
  [[nodiscard]] Result<> prioritize(quic::StreamId stream, const Priority& priority);
  /// Server: the priority with which the response is sent now, from the client's field, its updates
  /// or prioritize(); the default one for a stream that is gone, and on a client.
  [[nodiscard]] Priority priority(quic::StreamId stream) const noexcept;

  /// Sends `data` in a datagram of a message in progress; it may be lost. Errors:
  /// UsageError::stale_handle, unsupported (until the peer has announced support, or without it),
  /// closed (our direction of the stream has ended, RFC 9297 §2.1), too_large, limit_reached
  /// (quic::Config::datagram_queue).
  [[nodiscard]] Result<> send_datagram(quic::StreamId stream, Bytes data);
  /// The longest `data` for send_datagram() at present; 0: none.
  [[nodiscard]] std::size_t max_datagram_size(quic::StreamId stream) const noexcept;
  /// Received datagrams that were dropped: beyond Config::datagram_queue, or for no message in
  /// progress.
  [[nodiscard]] std::uint64_t datagrams_dropped() const noexcept;

  /// Aborts both directions of a message.
  void cancel(quic::StreamId stream, HttpError code);
  /// Aborts only the sending direction.
  void reset(quic::StreamId stream, HttpError code);
  /// Aborts only the receiving direction.
  void stop_sending(quic::StreamId stream, HttpError code);

  /// Graceful end: no new requests from now on (GOAWAY, RFC 9114 §5.2); is_drained() tells when all
  /// messages are done; then close() the connection.
  void shutdown();
  /// After shutdown(): all messages are done.
  [[nodiscard]] bool is_drained() const noexcept;
  /// Messages in progress.
  [[nodiscard]] std::size_t open_streams() const noexcept;
  /// The session's connection.
  [[nodiscard]] quic::Connection& connection() noexcept;

  void on_started(quic::Connection&) override;
  void on_connected(quic::Connection&) override;
  void on_early_data_rejected(quic::Connection&) override;
  void on_resumable(quic::Connection&) override;
  void on_stream_data(quic::Connection&, quic::StreamId, Bytes data, bool fin) override;
  void on_stream_acked(quic::StreamId, std::uint64_t bytes) override;
  void on_stream_reset(quic::Connection&, quic::StreamId, std::uint64_t code) override;
  void on_stop_sending(quic::Connection&, quic::StreamId, std::uint64_t code) override;
  void on_stream_closed(quic::Connection&, quic::StreamId,
                        std::optional<std::uint64_t> code) override;
  void on_streams_available(quic::Connection&, bool bidirectional) override;
  void on_datagram(quic::Connection&, Bytes data) override;
  void on_path(quic::Connection&, const quic::PathEvent& event) override;
  void on_closed(quic::Connection&, const Error& reason) override;
  [[nodiscard]] std::uint64_t bytes_queued() const noexcept override;
  [[nodiscard]] quic::StreamWrite next_write() override;
  void on_written(quic::StreamId, std::size_t bytes, bool fin) override;
  void on_blocked(quic::StreamId) override;
  void on_unblocked(quic::StreamId) override;
  void on_write_closed(quic::StreamId) override;

 private:
  friend struct SessionAccess;

  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0::h3
