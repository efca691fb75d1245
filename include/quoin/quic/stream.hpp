// SPDX-License-Identifier: MIT
/// Plain streams and datagrams on one QUIC connection, for your own protocols: events come out,
/// commands go in. It has no handlers or sockets: programs usually want Listener and Dialer
/// instead.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>

namespace quoin::inline v0::quic {

/// Limits of the plain streams of one connection.
struct StreamsConfig {
  /// Bytes that may wait to be sent for the first time, for each stream.
  std::size_t send_buffer = 256 * 1024;
  /// Bytes that may be kept for sending or until acknowledged, for the whole connection.
  std::size_t send_buffer_total = 64 * 1024 * 1024;
  /// Received datagrams that may wait to be polled; beyond that the oldest are dropped.
  std::size_t datagram_queue = 256;
  /// Fates of sent datagrams that may wait to be polled; beyond that the oldest are dropped. 0:
  /// none are reported.
  std::size_t datagram_fates = 4096;
  /// Finished streams that may wait to be read to their end; if a peer causes more, the connection
  /// is closed with TransportError::application_error. Open streams are limited by
  /// Config::max_bidirectional_streams and the like.
  std::size_t max_unread_streams = 4096;
};

/// When a stream is sent, relative to the others of its connection; the parameters of RFC 9218 §4.
struct StreamPriority {
  /// 0 to 7: a stream is sent when none with a lower number has anything to send.
  std::uint8_t urgency = 3;
  /// Takes turns, packet by packet, with others of its urgency. Otherwise it keeps its turn until
  /// it has nothing more to send.
  bool incremental = true;

  friend auto operator<=>(const StreamPriority&, const StreamPriority&) = default;
};

/// Something the peer did, or that became possible.
struct StreamEvent {
  /// What happened.
  enum class Type : std::uint8_t {
    connected,          ///< the handshake is complete
    opened,             ///< the peer opened a stream: the first event of it
    data,               ///< there is something to read() now, or the end of the stream
    reset,              ///< the peer gave up sending, see `error`; unread data is gone
    stop_sending,       ///< the peer wants no more of our data, see `error`
    writable,           ///< room() has grown again after write() took less than offered
    closed,             ///< the stream is over, and read to the end; no error after an orderly end
    datagram,           ///< `datagram` has arrived
    datagram_fate,      ///< `fate` became of the sent datagram `datagram_id`
    path,               ///< `path` changed
    streams_available,  ///< open() may work again
    early_data_rejected,  ///< client: early data and all streams are lost; open
                          ///< anew
    disconnected,         ///< the connection is over, the last event of all: `error`
  };
  Type type{};                        ///< what happened
  StreamId stream = no_stream;        ///< no_stream where the event is not about a stream
  Error error{};                      ///< see Type; domain application for the peer's codes
  std::vector<std::byte> datagram{};  ///< see Type
  DatagramId datagram_id{};           ///< see Type
  DatagramFate fate{};                ///< see Type
  bool bidirectional = false;         ///< streams_available: which kind
  PathEvent path{};                   ///< see Type
};

/// The next bytes of a stream; valid until the next call for this stream.
struct StreamChunk {
  Bytes data{};       ///< contiguous bytes; more may follow
  bool last = false;  ///< the stream ends behind `data`
};

/// The plain streams of one connection. Its commands may be called at any time except from within
/// the engine; for a stream that is gone they return UsageError::stale_handle or 0, or do nothing.
/// Streams with something to send take turns, packet by packet, unless prioritize() says otherwise.
class QUOIN_EXPORT Streams final : public Application {
 public:
  /// The connection must outlive this object; an Endpoint ensures that.
  explicit Streams(Connection& connection, const StreamsConfig& config = {});
  ~Streams() override;

  /// The next event; those of one stream are in order, and several of one kind that were not polled
  /// are merged. When the endpoint reports the connection as ready, poll until there are none.
  [[nodiscard]] std::optional<StreamEvent> poll_event();

  /// Opens a stream. The peer learns of it with its first bytes. Errors: UsageError::limit_reached
  /// when the peer allows no more for now (wait for streams_available), closed.
  [[nodiscard]] Result<StreamId> open(bool bidirectional);
  /// Appends as much of `data` as there is room() for and returns how much that was; `last`, the
  /// end of our direction, counts only if all was taken.
  [[nodiscard]] std::size_t write(StreamId stream, Bytes data, bool last);
  /// Appends shared bytes without copying: all of them, or none while room() is 0.
  [[nodiscard]] bool write_shared(StreamId stream, SharedBytes data, bool last);
  /// How many bytes write() would take now; 0 also for a direction that is over.
  [[nodiscard]] std::size_t room(StreamId stream) const noexcept;
  /// Asks for a writable event when there is room again, as a partial write() does.
  void want_room(StreamId stream);
  /// write() can still work, now or later: our direction exists and is not ended, reset or stopped.
  [[nodiscard]] bool is_writable(StreamId stream) const noexcept;

  /// The received bytes waiting to be taken.
  [[nodiscard]] StreamChunk read(StreamId stream);
  /// Takes `bytes` of them (at most what read() showed) and gives the peer as much credit. An empty
  /// last chunk is taken with 0.
  void consume(StreamId stream, std::size_t bytes);

  /// Sends the stream with this priority from the next packet on; the peer is not told. Errors:
  /// UsageError::stale_handle, invalid_argument for an urgency above 7.
  [[nodiscard]] Result<> prioritize(StreamId stream, StreamPriority priority);
  /// The priority with which a stream is sent; the default one for a stream that is gone.
  [[nodiscard]] StreamPriority priority(StreamId stream) const noexcept;

  /// Gives up sending, with a code of your protocol below 2^62; unsent data is dropped.
  void reset(StreamId stream, std::uint64_t code);
  /// Gives up receiving: unread data is dropped, and the peer is asked to send no more.
  void stop_sending(StreamId stream, std::uint64_t code);

  /// The number of open streams.
  [[nodiscard]] std::size_t open_streams() const noexcept;
  /// The connection that the streams are on.
  [[nodiscard]] Connection& connection() noexcept;
  /// Datagrams dropped because of StreamsConfig::datagram_queue.
  [[nodiscard]] std::uint64_t datagrams_dropped() const noexcept;
  /// Fates dropped because of StreamsConfig::datagram_fates.
  [[nodiscard]] std::uint64_t datagram_fates_dropped() const noexcept;

  void on_connected(Connection&) override;
  void on_stream_data(Connection&, StreamId, Bytes data, bool fin) override;
  void on_stream_acked(StreamId, std::uint64_t bytes) override;
  void on_stream_reset(Connection&, StreamId, std::uint64_t code) override;
  void on_stop_sending(Connection&, StreamId, std::uint64_t code) override;
  void on_stream_closed(Connection&, StreamId, std::optional<std::uint64_t> code) override;
  void on_early_data_rejected(Connection&) override;
  void on_streams_available(Connection&, bool bidirectional) override;
  void on_datagram(Connection&, Bytes data) override;
  void on_datagram_fate(Connection&, DatagramId id, DatagramFate fate) override;
  void on_path(Connection&, const PathEvent& event) override;
  void on_closed(Connection&, const Error& reason) override;
  [[nodiscard]] std::uint64_t bytes_queued() const noexcept override;
  [[nodiscard]] StreamWrite next_write() override;
  void on_written(StreamId, std::size_t bytes, bool fin) override;
  void on_blocked(StreamId) override;
  void on_unblocked(StreamId) override;
  void on_write_closed(StreamId) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0::quic
