// SPDX-License-Identifier: MIT
/// The internals of Server: an endpoint on a loop, its connections and their exchanges. Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/handle.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/server.hpp>
#include <quoin/time.hpp>

#include "http/connection_number.hpp"
#include "http/endpoint.hpp"
#include "http/quic_numbers.hpp"
#include "loop/call_in_place.hpp"
#include "loop/endpoint_driver.hpp"
#include "quic/streams/block_pool.hpp"
#include "quic/streams/table.hpp"
#include "server/exchange.hpp"
#include "server/router.hpp"
#include "server/stats_board.hpp"
#include "server/takeover_relays.hpp"

namespace quoin::inline v0 {

/// A connection of a server.
struct ServerConnection {
  ConnectionNumber number = ConnectionNumber::none;
  quic::ConnectionKey key;  ///< at the endpoint
  quic::ByStreamId<Exchange> exchanges;
  double resets_left = 0;  ///< a bucket of ServerConfig::resets_per_second
  Time resets_counted;     ///< when it was last filled
  Time idle_since;         ///< when its last request ended
  bool retiring = false;   ///< was told to leave after being idle for too long
  bool closing = false;    ///< close() was called
  /// Had a request when the server began to shut down: its client may still be reading the end of
  /// a response whose bytes are all acknowledged, and many clients drop that with the connection.
  bool left_to_client = false;
  std::uint64_t heard = 0;              ///< bytes received when close_idle() last checked
  std::uint64_t datagrams_dropped = 0;  ///< by its session, as counted so far
};

struct Server::Impl : EndpointDriver, ExchangeHost {
  Impl(Loop& on, Tls with, ServerConfig settings);
  ~Impl() override;

  [[nodiscard]] ServerStats stats() const;
  void shut_down(Duration limit, std::move_only_function<void()> done);

  /// Datagrams passed on by a neighbouring process.
  void handle_relayed(const Datagram& datagram, bool from_older);

  void handle_datagram(const Datagram& datagram, Time now) override;
  [[nodiscard]] quic::Config& quic_config() noexcept override;
  [[nodiscard]] Result<> check() override;
  [[nodiscard]] quic::Acceptor acceptor() override;
  void run_handlers(Time now) override;
  void serve(quic::ConnectionKey key) override;
  void handle_stop() noexcept override;

  [[nodiscard]] h3::Session* session(ConnectionNumber connection) noexcept override;
  void want_work(const Handle& exchange) override;
  [[nodiscard]] std::string_view date() const override;
  [[nodiscard]] Time now() const noexcept override;

  [[nodiscard]] Loop& turning_loop() noexcept override { return loop; }

  [[nodiscard]] const bool& stopped() const noexcept override;
  [[nodiscard]] Headers& spare_headers() noexcept override;

  [[nodiscard]] quic::LargeBlockPtr& scratch() noexcept override { return scratch_block; }

  /// The connection that the endpoint reports on, which may be new; null for one that is over.
  [[nodiscard]] ServerConnection* connection_of(quic::ConnectionKey key);
  [[nodiscard]] quic::Connection* quic_of(const ServerConnection& connection) noexcept;
  [[nodiscard]] h3::Session* session_on(const ServerConnection& connection) noexcept;
  void handle(ServerConnection& connection, h3::Event& event);
  void handle_connected(ServerConnection& connection);
  void handle_disconnected(ServerConnection& connection, const Error& reason);
  void handle_request(ServerConnection& connection, h3::Event& event);
  void handle_stream(ServerConnection& connection, h3::Event& event);
  void call_handler(Exchange& exchange);
  void answer_without_handler(Exchange& exchange, const std::string& allow);
  void answer_in_words(Exchange& exchange, int status);
  void end_exchange(ServerConnection& connection, quic::StreamId stream, const Error& error);
  void count_reset(ServerConnection& connection);
  void do_work();
  void sweep(Time now);
  void close(ServerConnection& connection);
  void note_idle(ServerConnection& connection);
  void retire_idle(Time now);
  void close_idle();
  void close_all();
  /// Lets the client close the connection, as long as it shows signs of life.
  void leave_to_client(ServerConnection& connection);
  void close_drained();

  ServerConfig config;
  TakeoverRelays relays;  ///< during a hot restart
  Router router;
  SharedHandler fallback;
  std::unordered_map<ConnectionNumber, std::unique_ptr<ServerConnection>> connections;
  QuicNumbers numbers;
  std::vector<Handle> work;
  std::vector<Handle> working;  ///< the part of it in progress
  Headers spare_fields;
  quic::LargeBlockPtr scratch_block;
  HandlerPlace<void(const Access&)> on_access;
  HandlerPlace<void(const ConnectionInfo&)> on_connected;
  HandlerPlace<void(const ConnectionInfo&)> on_disconnected;
  HandlerPlace<void(const ConnectionInfo&, const quic::PathEvent&)> on_path;
  ServerStats counted;
  StatsBoard* board = nullptr;  ///< for other threads; null: none reads it
  std::uint64_t last_number = 0;
  mutable std::string date_text;
  mutable std::int64_t date_second = 0;
  Time shutdown_deadline;
  bool shutting_down = false;
};

}  // namespace quoin::inline v0
