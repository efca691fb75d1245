// SPDX-License-Identifier: MIT
/// What Listener and Dialer share: an endpoint with plain streams on a loop, and the handlers of
/// its connections and streams. Not public, and not for HTTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/stream.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "base/handle.hpp"
#include "loop/call_in_place.hpp"
#include "loop/endpoint_driver.hpp"
#include "loop/stream_host.hpp"

namespace quoin::inline v0 {

class PlainDriver;
struct ConnectionState;

/// The state behind a plain QUIC Stream: its handlers and their progress. The members called for
/// the Stream do nothing once the connection has ended.
struct StreamState final : StreamHost {
  StreamState(ConnectionState& owner_connection, quic::StreamId number)
      : connection(owner_connection), id(number) {}

  [[nodiscard]] quic::StreamId stream_id() const noexcept override { return id; }

  [[nodiscard]] Handle connection_handle() const noexcept override;
  void set_reader(Reader handler) override;
  void set_on_reset(std::move_only_function<void(std::uint64_t)> handler) override;
  [[nodiscard]] std::size_t write(Bytes data, bool last) override;
  [[nodiscard]] bool write_shared(SharedBytes data, bool last) override;
  [[nodiscard]] std::size_t room() const noexcept override;
  void set_on_writable(std::move_only_function<void()> handler) override;
  void set_writer(Writer handler) override;
  void set_on_stop_sending(std::move_only_function<void(std::uint64_t)> handler) override;
  [[nodiscard]] Result<> prioritize(quic::StreamPriority priority) override;
  void resume() override;
  void reset(std::uint64_t code) override;
  void stop_sending(std::uint64_t code) override;
  void set_on_closed(std::move_only_function<void(const Error&)> handler) override;

  /// The engine's side of it; null once the connection has ended.
  [[nodiscard]] quic::Streams* engine() const noexcept;

  ConnectionState& connection;
  quic::StreamId id;
  HandlerPlace<std::size_t(Bytes, bool)> reader;
  HandlerPlace<Filled(std::span<std::byte>)> writer;
  HandlerPlace<void(std::uint64_t)> on_reset;
  HandlerPlace<void(std::uint64_t)> on_stop_sending;
  HandlerPlace<void()> on_writable;
  std::move_only_function<void(const Error&)> on_closed;
  /// Set when the reader called stop_sending() and is still looking at the bytes.
  std::optional<std::uint64_t> stop_code;
  bool reading = false;         ///< the reader is running
  bool writing = false;         ///< the writer is running
  bool resumed_inside = false;  ///< one of them called resume() while it was running
  bool reader_paused = false;   ///< it left bytes and waits for resume() or room
  bool writer_paused = false;   ///< it had nothing and waits for resume()
  bool resumed = false;         ///< in the driver's list of resumed streams
  StreamOwner owner{this};
};

/// The state behind a Connection.
struct ConnectionState {
  ConnectionState(PlainDriver& owner_driver, quic::ConnectionKey number)
      : driver(owner_driver), id(number) {}

  ConnectionState(const ConnectionState&) = delete;
  ConnectionState& operator=(const ConnectionState&) = delete;
  ~ConnectionState();

  PlainDriver& driver;
  quic::ConnectionKey id;
  std::vector<Address> sockets;  ///< opened by migrations: the latest, and the one in use
  std::unordered_map<quic::StreamId, std::unique_ptr<StreamState>> streams;
  HandlerPlace<void(Stream)> on_stream;
  HandlerPlace<void(Bytes)> on_datagram;
  HandlerPlace<void(quic::DatagramId, quic::DatagramFate)> on_datagram_fate;
  HandlerPlace<void(bool)> on_streams_available;
  HandlerPlace<void(const quic::PathEvent&)> on_path;
  HandlerPlace<void()> on_shutdown;
  std::move_only_function<void(const Error&)> on_closed;
  /// Client: waits for the connection to be established.
  std::move_only_function<void(Result<Connection>)> on_dialed;
  bool announced = false;  ///< the application has it
  bool told = false;       ///< on_shutdown was called, or would have been
  HandleOwner owner{this};
};

/// Runs an endpoint with plain streams, and the handlers, on a loop.
class PlainDriver : public EndpointDriver {
 public:
  PlainDriver(Loop& on, Role role, Tls tls, quic::Config config, quic::StreamsConfig streams);
  ~PlainDriver() override;

  /// Connects from a socket that is open.
  [[nodiscard]] Result<> connect(const Path& path, std::string_view server_name,
                                 std::move_only_function<void(Result<Connection>)> done);
  void stop_accepting() noexcept;
  /// Ends all connections gracefully, within `limit`; then calls `done`.
  void shut_down(Duration limit, std::move_only_function<void()> done);

  [[nodiscard]] bool is_shutting_down() const noexcept { return shutting_down_; }

  [[nodiscard]] quic::Connection* find(const ConnectionState& state) noexcept;
  /// Null once the connection has ended.
  [[nodiscard]] quic::Streams* streams_of(const ConnectionState& state) noexcept;
  [[nodiscard]] StreamState& add_stream(ConnectionState& state, quic::StreamId id);
  /// Calls the reader and the writer of the stream again, soon.
  void resume(StreamState& stream);
  /// A command was queued: a turn is needed, unless this one ends with sending.
  void nudge_to_send() noexcept;

  /// Server: called with each connection when its handshake is complete.
  HandlerPlace<void(Connection)> on_connection;

 private:
  [[nodiscard]] quic::Config& quic_config() noexcept override { return config_; }

  [[nodiscard]] quic::Acceptor acceptor() override;
  [[nodiscard]] quic::Acceptor streams_acceptor() const;
  void run_handlers(Time now) override;
  void serve(quic::ConnectionKey id) override;
  void handle_stop() noexcept override;
  void serve_resumed();
  void tell_shutdown();
  void close_unused_connections();
  void close_all();
  // These return false when a handler destroyed the driver: then there is nothing left to do.
  [[nodiscard]] bool handle(ConnectionState& state, const quic::StreamEvent& event);
  [[nodiscard]] bool handle_stream(StreamState& stream, const quic::StreamEvent& event);
  template <class Signature, class... Arguments>
  [[nodiscard]] bool tell(const char* where, HandlerPlace<Signature>& place,
                          Arguments&&... arguments);
  template <class Signature, class... Arguments>
  [[nodiscard]] bool tell(const char* where, StreamState& stream, HandlerPlace<Signature>& place,
                          Arguments&&... arguments);
  [[nodiscard]] bool handle_opened(ConnectionState& state, quic::StreamId id);
  [[nodiscard]] bool handle_closed(StreamState& stream, const Error& reason);
  [[nodiscard]] bool handle_disconnected(ConnectionState& state, const Error& reason);
  [[nodiscard]] bool announce(ConnectionState& state);
  [[nodiscard]] bool read(StreamState& stream);
  [[nodiscard]] bool fill(StreamState& stream);
  void finish_read(StreamState& stream, const quic::StreamChunk& chunk, std::size_t taken);
  void give_up(StreamState& stream);
  void give_up(const ConnectionState& state);

  quic::Config config_;
  quic::StreamsConfig streams_config_;
  bool server_;
  bool shutting_down_ = false;
  std::map<quic::ConnectionKey, std::unique_ptr<ConnectionState>> states_;
  std::vector<Handle> resumed_;
  std::vector<std::byte> scratch_;  ///< what a writer fills
  HandleOwner owner_{this};
};

}  // namespace quoin::inline v0
