// SPDX-License-Identifier: MIT
/// What an HTTP/3 session is made of. Shared by the session's own files; nobody else includes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <nghttp3/nghttp3.h>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/headers.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/connection.hpp>

#include "base/fifo.hpp"
#include "h3/stream.hpp"
#include "quic/streams/block_pool.hpp"

namespace quoin::inline v0::h3 {

/// nghttp3's connection and what surrounds it. Members are grouped by the file that defines them.
struct Session::Impl {
  Impl(quic::Connection& quic_connection, const Config& limits);

  // session.cpp: the life of the session and its events.
  void start();
  /// Ends the connection; nghttp3 must not be called any more.
  void fail(HttpError code, std::string_view detail);
  /// The same for an error from nghttp3.
  void fail(int nghttp3_error);
  void push(Event event);
  void push(Event::Type type, quic::StreamId stream, Error error);
  void push_section(Event::Type type, Stream& stream);
  [[nodiscard]] std::optional<Event> poll_event();
  /// Resets everything but the application's settings: start() follows again.
  void start_over();
  void shutdown();
  void continue_shutdown();
  [[nodiscard]] bool is_drained() const noexcept;
  void handle_stream_closed(quic::StreamId id, std::optional<std::uint64_t> code);
  /// Lets nghttp3 forget a stream.
  void close_in_nghttp3(quic::StreamId id, const Error& reason);
  /// Tells the application that a stream is over, once it has read everything.
  void finish(Stream& stream);
  void release(Stream& stream);

  /// nghttp3 can be used.
  [[nodiscard]] bool is_alive() const noexcept { return conn != nullptr && !failed; }

  [[nodiscard]] Stream* find(quic::StreamId id) noexcept { return streams.find(id); }

  [[nodiscard]] nghttp3_conn* raw() const noexcept { return conn.get(); }

  // session_read.cpp: what comes in.
  void handle_stream_data(quic::StreamId id, Bytes data, bool fin);
  void handle_stream_reset(quic::StreamId id, std::uint64_t code);
  void handle_stop_sending(quic::StreamId id, std::uint64_t code);
  Stream* begin_section(quic::StreamId id, Stream* stream);
  void add_field(Stream& stream, std::string_view name, std::string_view value, bool never_index);
  void end_headers(Stream& stream);
  void end_trailers(Stream& stream);
  void add_body(quic::StreamId id, Stream* stream, Bytes data);
  void end_message(Stream& stream);
  void handle_goaway(std::int64_t first_unhandled);
  void handle_settings(const nghttp3_proto_settings& settings);
  void settle();
  void reject(Stream& stream, HttpError code, std::string_view detail);
  void answer_431(Stream& stream);
  void refuse(quic::StreamId id, HttpError code);
  void shut_reading(quic::StreamId id);
  void queue_data(Stream& stream);
  void discard(Stream& stream);
  void stop_reading(Stream& stream, HttpError code);
  void consume(Stream& stream, std::size_t bytes);

  // session_write.cpp: what goes out.
  [[nodiscard]] Result<quic::StreamId> request(const Headers& headers, bool has_body);
  [[nodiscard]] Result<> respond(quic::StreamId id, const Headers& headers, bool has_body);
  [[nodiscard]] Result<> inform(quic::StreamId id, const Headers& headers);
  [[nodiscard]] Result<> write_trailers(quic::StreamId id, const Headers& headers);
  [[nodiscard]] std::size_t write(Stream& stream, Bytes data, bool last);
  [[nodiscard]] std::size_t write(Stream& stream, quic::LargeBlockPtr& block, std::size_t bytes,
                                  bool last);
  [[nodiscard]] bool write(Stream& stream, SharedBytes data, bool last);
  void written(Stream& stream, bool last);
  [[nodiscard]] std::size_t room(Stream& stream) noexcept;
  void tell_room(Stream& stream);
  void resume(Stream& stream);
  void reset_writing(Stream& stream, HttpError code);
  void close_writing(quic::StreamId id);
  [[nodiscard]] nghttp3_ssize give_body(Stream& stream, std::span<nghttp3_vec> out,
                                        std::uint32_t& flags);
  void acknowledge_body(Stream& stream, std::size_t bytes);
  void drop_body(Stream& stream);
  [[nodiscard]] std::size_t room_worth_telling() const noexcept;
  void tell_total_room();
  [[nodiscard]] quic::StreamWrite next_write();
  void handle_written(quic::StreamId id, std::size_t bytes);
  void handle_acked(quic::StreamId id, std::uint64_t bytes);
  [[nodiscard]] Result<> check_section_size(const Headers& headers) const;
  [[nodiscard]] Result<> check_extended_connect();

  // datagram.cpp
  void handle_datagram(Bytes data);
  [[nodiscard]] Result<> send_datagram(quic::StreamId id, Bytes data);
  [[nodiscard]] std::size_t max_datagram_size(quic::StreamId id) const noexcept;

  // priority.cpp
  [[nodiscard]] Result<> prioritize(quic::StreamId id, const Priority& priority);
  [[nodiscard]] Priority priority(quic::StreamId id) noexcept;

  // nghttp3_callbacks.cpp
  [[nodiscard]] static nghttp3_callbacks callbacks() noexcept;
  static const nghttp3_data_reader body_reader;

  struct Deleter {
    void operator()(nghttp3_conn* pointer) const noexcept { nghttp3_conn_del(pointer); }
  };

  /// The progress of a graceful end.
  enum class Shutdown : std::uint8_t {
    none,
    wanted,   // asked for before the session has started
    noticed,  // the peer was told to stop opening requests (server)
    final,    // it was told which ones are still handled
  };

  /// A message that turned out unacceptable in a callback, where nghttp3 must not be called.
  struct Rejected {
    quic::StreamId id;
    HttpError code;
    std::string_view detail;
  };

  quic::Connection& connection;
  const Config config;
  const bool server;
  quic::BlockPool pool;
  StreamTable streams;
  Fifo<Event> events;
  Fifo<quic::PathEvent> paths;                  // at most quic::max_path_events
  std::unique_ptr<nghttp3_conn, Deleter> conn;  // null before the session has started

  bool failed = false;        // conn must not be used any more, or the connection is over
  bool disconnected = false;  // on_closed() has been called
  bool wants_stream = false;  // request() was refused for lack of streams
  bool would_block = false;   // give_body() had nothing for a stream that nghttp3 asked for

  quic::StreamId control{quic::no_stream};
  quic::StreamId qpack_encoder{quic::no_stream};
  quic::StreamId qpack_decoder{quic::no_stream};
  std::uint64_t control_written = 0;
  std::uint64_t control_acked = 0;
  std::uint64_t goaway_offset = 0;  // control_written when the latest GOAWAY was queued
  Shutdown shutdown_state = Shutdown::none;
  bool peer_drains = false;   // client: GOAWAY was received
  bool goaway_fresh = false;  // just received
  std::int64_t first_unhandled = std::numeric_limits<std::int64_t>::max();

  std::uint64_t requests_closed = 0;  // server
  std::uint64_t peer_max_section = std::numeric_limits<std::uint64_t>::max();
  bool peer_settled = false;           // its SETTINGS have arrived
  bool resumable_queued = false;       // a `resumable` event waits to be polled
  std::size_t copied_total = 0;        // bytes in all send buffers in our own memory
  bool waits_for_total = false;        // a stream has no room because of copied_total
  bool peer_extended_connect = false;  // the peer takes requests with :protocol
  bool peer_datagrams = false;         // the peer has announced datagrams
  std::size_t datagrams_waiting = 0;
  std::uint64_t datagrams_dropped = 0;
  std::vector<Rejected> rejected;
  std::vector<quic::StreamId> delayed_closes;  // streams whose delay is over
  std::vector<nghttp3_nv> fields;              // scratch of to_nghttp3()
  std::array<nghttp3_vec, 16> vectors{};
  std::array<Bytes, 16> slices{};
};

}  // namespace quoin::inline v0::h3
