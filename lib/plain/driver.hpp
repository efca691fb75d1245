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
#include <quoin/connection.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "base/handle.hpp"
#include "loop/driver.hpp"
#include "loop/tls_answers.hpp"

namespace quoin::inline v0 {

class PlainDriver;
struct ConnectionState;

/// What stands behind a Stream: its handlers and how far they got.
struct StreamState {
  StreamState(ConnectionState& owner_connection, quic::StreamId number)
      : connection(owner_connection), id(number) {}

  ConnectionState& connection;
  quic::StreamId id;
  Reader reader;
  Writer writer;
  std::move_only_function<void(std::uint64_t)> on_reset;
  std::move_only_function<void(std::uint64_t)> on_stop_sending;
  std::move_only_function<void()> on_writable;
  std::move_only_function<void(const Error&)> on_close;
  /// stop_sending() was called by the reader, which still looks at the bytes.
  std::optional<std::uint64_t> stop_code;
  bool reading = false;         ///< the reader is running
  bool writing = false;         ///< the writer is running
  bool resumed_inside = false;  ///< one of them called resume() while it was running
  bool reader_paused = false;   ///< it left something and waits for resume() or room
  bool writer_paused = false;   ///< it had nothing and waits for resume()
  bool resumed = false;         ///< in the driver's list of resumed streams
  HandleOwner owner{this};
};

/// What stands behind a Connection.
struct ConnectionState {
  ConnectionState(PlainDriver& owner_driver, quic::ConnectionKey number)
      : driver(owner_driver), id(number) {}

  ConnectionState(const ConnectionState&) = delete;
  ConnectionState& operator=(const ConnectionState&) = delete;
  ~ConnectionState();

  PlainDriver& driver;
  quic::ConnectionKey id;
  std::vector<Address> sockets;  ///< what migrations opened: the latest, and the one in use
  std::unordered_map<quic::StreamId, std::unique_ptr<StreamState>> streams;
  std::move_only_function<void(Stream)> on_stream;
  std::move_only_function<void(Bytes)> on_datagram;
  std::move_only_function<void(quic::DatagramId, quic::DatagramFate)> on_datagram_fate;
  std::move_only_function<void(bool)> on_streams_available;
  std::move_only_function<void(const quic::PathEvent&)> on_path;
  std::move_only_function<void(const Error&)> on_closed;
  /// Client: who waits for the connection to be made.
  std::move_only_function<void(Result<Connection>)> on_dialed;
  HandleOwner owner{this};
};

/// Runs an endpoint with plain streams, and the handlers, on a loop.
class PlainDriver final : public Driver {
 public:
  PlainDriver(Loop& loop, Tls tls, quic::Config config, quic::StreamsConfig streams, bool server);
  /// Says goodbye to the peers. A handler of this driver may be running.
  ~PlainDriver() override;

  /// Makes the endpoint, once. Errors: those of quic::Endpoint::create().
  [[nodiscard]] Result<> start();
  /// Opens a socket. Errors: those of start() and io::Backend::open().
  [[nodiscard]] Result<Address> open(const Address& local);
  /// The address that datagrams to `remote` have when they leave from this socket. Errors: those
  /// of io::Backend::source_for().
  [[nodiscard]] Result<Address> source_for(const Address& socket, const Address& remote);
  /// Connects from a socket that is open.
  [[nodiscard]] Result<> connect(const Path& path, std::string_view server_name,
                                 std::move_only_function<void(Result<Connection>)> done);
  void stop_accepting() noexcept;
  [[nodiscard]] Result<> set_token_secrets(std::vector<std::string> secrets);
  [[nodiscard]] quic::EndpointStats stats() const noexcept;

  [[nodiscard]] quic::Connection* find(const ConnectionState& state) noexcept;
  /// Null when the connection is over.
  [[nodiscard]] quic::Streams* streams_of(const ConnectionState& state) noexcept;
  [[nodiscard]] StreamState& add_stream(ConnectionState& state, quic::StreamId id);
  /// Calls the reader and the writer of the stream again, soon.
  void resume(StreamState& stream);
  /// A command was queued: a turn is needed.
  void nudge() noexcept;

  [[nodiscard]] Loop& loop() noexcept { return loop_; }

  /// Server: called with each connection when its handshake is complete.
  std::move_only_function<void(Connection)> on_connection;
  TlsAnswers tls_answers;

  void handle_datagram(const Datagram& datagram, Time now) override;
  void handle_path_error(const io::PathError& error, Time now) override;
  void handle_timeout(Time now) override;
  void dispatch(Time now) override;
  [[nodiscard]] std::optional<Datagram> poll_transmit(std::span<std::byte> buffer,
                                                      Time now) override;
  [[nodiscard]] std::optional<Time> poll_timeout() const noexcept override;

 private:
  /// What outlives a driver that a handler destroys: the handler may be looking at bytes in it.
  struct Heir {
    std::unique_ptr<quic::Endpoint> endpoint;
    std::vector<std::byte> scratch;
  };

  [[nodiscard]] quic::Acceptor acceptor() const;
  void say_goodbye();
  // These return false when a handler destroyed the driver: nothing may be touched then.
  [[nodiscard]] bool serve(quic::ConnectionKey id);
  [[nodiscard]] bool serve_ready();
  [[nodiscard]] bool serve_resumed();
  [[nodiscard]] bool handle(ConnectionState& state, const quic::StreamEvent& event);
  [[nodiscard]] bool handle_stream(StreamState& stream, const quic::StreamEvent& event);
  [[nodiscard]] bool handle_opened(ConnectionState& state, quic::StreamId id);
  [[nodiscard]] bool handle_closed(StreamState& stream, const Error& reason);
  [[nodiscard]] bool handle_disconnected(ConnectionState& state, const Error& reason);
  [[nodiscard]] bool announce(ConnectionState& state);
  [[nodiscard]] bool read(StreamState& stream);
  [[nodiscard]] bool fill(StreamState& stream);
  void finish_read(StreamState& stream, Reader reader, const quic::StreamChunk& chunk,
                   std::size_t taken);

  Loop& loop_;
  Tls tls_;
  quic::Config config_;
  quic::StreamsConfig streams_config_;
  bool server_;
  std::unique_ptr<quic::Endpoint> endpoint_;
  std::map<quic::ConnectionKey, std::unique_ptr<ConnectionState>> states_;
  std::vector<Handle> resumed_;
  std::vector<std::byte> scratch_;  ///< what a writer fills
  Heir* heir_ = nullptr;            ///< not null while handlers run
  HandleOwner owner_{this};
};

}  // namespace quoin::inline v0
