// SPDX-License-Identifier: MIT
/// The inside of Client: an endpoint on a loop, the hosts it talks to, their connections and the
/// requests under way. Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/alt_svc.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/handle.hpp>
#include <quoin/loop.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/url.hpp>

#include "base/handle.hpp"
#include "client/session_cache.hpp"
#include "http/body.hpp"
#include "http/connection_number.hpp"
#include "http/endpoint.hpp"
#include "http/quic_numbers.hpp"
#include "loop/call_in_place.hpp"
#include "loop/endpoint_driver.hpp"
#include "quic/streams/block_pool.hpp"

namespace quoin::inline v0 {

struct Origin;

/// How many times one request is sent, or waits for a connection that comes and goes.
inline constexpr unsigned max_tries = 3;

/// The inside of a RequestBody.
class RequestBodyAccess {
 public:
  [[nodiscard]] static bool is_empty(const RequestBody& body) noexcept {
    return std::holds_alternative<std::monostate>(body.content_);
  }

  [[nodiscard]] static std::optional<std::uint64_t> size(const RequestBody& body) noexcept {
    return body.size_;
  }

  /// Gives the body to `outgoing`: shared bytes each time, a writer only the first time, otherwise
  /// nothing, so that trailers can follow.
  static void send(RequestBody& body, Outgoing& outgoing);

  /// Whether it can be sent from the beginning any number of times.
  [[nodiscard]] static bool is_repeatable(const RequestBody& body) noexcept {
    return !std::holds_alternative<Writer>(body.content_);
  }
};

struct ClientCall;

/// What a Call needs from its client.
class CallHost {
 public:
  CallHost() = default;
  CallHost(const CallHost&) = delete;
  CallHost& operator=(const CallHost&) = delete;
  virtual ~CallHost() = default;

  virtual void cancel(ClientCall& call, Error reason) = 0;
  virtual void resume(ClientCall& call) = 0;
  virtual void prioritize(ClientCall& call, const Priority& priority) = 0;
  [[nodiscard]] virtual Result<> send_datagram(ClientCall& call, Bytes data) = 0;
  [[nodiscard]] virtual std::size_t max_datagram_size(const ClientCall& call) = 0;
};

/// The state behind a Call.
struct ClientCall {
  enum class State : std::uint8_t { waiting, active, over };

  explicit ClientCall(CallHost& owning_client) : client(owning_client) {}

  CallHost& client;
  Url url;
  ClientRequest request;
  ClientCallbacks callbacks;
  Origin* origin = nullptr;
  State state = State::waiting;
  ConnectionNumber connection = ConnectionNumber::none;
  quic::StreamId stream = quic::no_stream;
  Reader reader;  ///< until the reply begins
  Incoming incoming;
  Outgoing outgoing;
  Reply reply;
  std::optional<Result<Reply>> result;
  std::optional<TimerId> timer;             ///< of the whole request
  std::optional<TimerId> first_byte_timer;  ///< until the reply begins
  std::optional<TimerId> continue_timer;    ///< until the body is sent without a 100
  Time began;
  Time progress;
  std::uint64_t progress_mark = 0;
  std::uint64_t body_sent = 0;
  unsigned tries = 0;
  HttpError end_code = HttpError::request_cancelled;  ///< for the stream, if it is given up
  bool sent_early = false;                            ///< before the handshake was complete
  bool must_wait = false;        ///< the server wants it after the handshake (425)
  bool replying = false;         ///< the first headers of a reply have arrived
  bool has_head = false;         ///< the final headers have arrived
  bool awaits_continue = false;  ///< the body waits for a 100
  bool cancel_wanted = false;    ///< as soon as the reader has returned
  bool working = false;          ///< in the client's list of work
  HandleOwner owner{this};
};

/// A connection of a client, or an attempt at one.
struct ClientConnection {
  ConnectionNumber number = ConnectionNumber::none;
  quic::ConnectionKey key;        ///< at the endpoint
  Origin* origin = nullptr;       ///< the host it was made for
  std::vector<Origin*> guests{};  ///< other hosts whose requests it carries
  Address address;
  std::optional<AltService> alternative{};  ///< what it was made to, instead of the host itself
  std::unordered_map<quic::StreamId, ClientCall*> calls;
  Time connected_at;
  Time idle_since;  ///< while there are no calls
  bool connected = false;
  bool early = false;     ///< not connected, but repeatable requests may go
  bool resuming = false;  ///< begun with a remembered session
  bool draining = false;  ///< takes no new requests
  Address migrate_to;     ///< the socket to move to as soon as that is possible; none: stay
};

/// A host and port, with the requests that wait for a connection to it.
struct Origin {
  std::string key;  ///< "host:port"
  std::string host;
  std::uint16_t port = 0;
  bool is_address = false;
  std::deque<ClientCall*> waiting;
  std::optional<ConnectionNumber> current;  ///< the connection for new requests
  std::optional<AltService> current_place;  ///< where that goes; none: to the host itself
  std::optional<AltService> place;          ///< where attempts go at present, likewise
  std::vector<ConnectionNumber> attempts;   ///< under way at the same time
  std::vector<Address> addresses;
  std::size_t next_address = 0;
  std::optional<Error> failure;  ///< the most telling one of the attempts so far
  Time resolved_at;
  Time deadline;
  std::optional<TimerId> timer;  ///< for the look-up or the next attempt
  std::size_t users = 0;         ///< calls and connections
  bool connecting = false;       ///< from the look-up to the end of the last attempt
  bool resolving = false;
  bool overdue = false;         ///< the timer has fired
  bool attempt_wanted = false;  ///< now, without waiting for the timer
  bool alone = false;           ///< its server rejects it on other hosts' connections
  bool starved = false;         ///< waits for another host's connection to go
  bool dirty = false;           ///< in the client's list
};

struct Client::Impl : EndpointDriver, CallHost {
  Impl(Loop& on, Tls with, ClientConfig settings);
  ~Impl() override;

  Call begin(ClientRequest request, ClientCallbacks callbacks);
  void cancel(ClientCall& call, Error reason) override;
  /// Application code threw: cancel() with H3_INTERNAL_ERROR.
  void give_up(ClientCall& call, std::string_view what, const std::exception_ptr& thrown);
  void resume(ClientCall& call) override;
  void prioritize(ClientCall& call, const Priority& priority) override;
  [[nodiscard]] Result<> send_datagram(ClientCall& call, Bytes data) override;
  [[nodiscard]] std::size_t max_datagram_size(const ClientCall& call) override;
  void handle_call_datagram(ClientCall& call, Bytes data);
  [[nodiscard]] Result<> migrate_to(const Address& new_local);
  [[nodiscard]] Result<> network_changed();
  void shutdown(Duration limit, std::move_only_function<void()> done);

  [[nodiscard]] quic::Config& quic_config() noexcept override;
  [[nodiscard]] Result<> check() override;
  void run_handlers(Time now) override;
  void serve(quic::ConnectionKey key) override;
  void handle_stop() noexcept override;

  // pool.cpp: from a URL to a connection.
  [[nodiscard]] Result<Address> local_for(const Address& remote);
  Origin& origin_of(const Url& url);
  void mark(Origin& origin);
  void advance_all();
  void advance(Origin& origin);
  void send_waiting(Origin& origin, ClientConnection& connection);
  [[nodiscard]] bool may_go_early(const ClientCall& call) const;
  void send_early(Origin& origin, ClientConnection& connection);
  void take_back(ClientCall& call);
  void take_back_all(ClientConnection& connection);
  [[nodiscard]] bool has_capacity();
  void feed_starved();
  void note_idle(ClientConnection& connection);
  void close_idle(Time now);
  [[nodiscard]] bool join(Origin& origin);
  [[nodiscard]] static std::vector<Origin*> hosts_of(const ClientConnection& connection);
  [[nodiscard]] bool retry_misdirected(ClientCall& call, int status);
  void begin_connecting(Origin& origin);
  void look_up(Origin& origin);
  void ask_resolver(Origin& origin, const std::string& host, std::uint16_t port);
  void handle_addresses(const std::string& key, const std::optional<AltService>& place,
                        Result<std::vector<Address>> addresses);
  void try_next(Origin& origin);
  [[nodiscard]] Result<> try_address(Origin& origin, const Address& address);
  void set_timer(Origin& origin, Duration delay);
  void handle_overdue(Origin& origin);
  void abandon_attempts(Origin& origin, ConnectionNumber winner);
  void fail_attempt(Origin& origin, const Error& reason);
  void fail_origin(Origin& origin);
  void release(Origin& origin);

  // alternatives.cpp: where else an origin is.
  [[nodiscard]] std::optional<AltService> alternative_of(const Origin& origin) const;
  void learn_alternatives(ClientCall& call, int status, const Headers& headers);
  void fall_back(Origin& origin);
  [[nodiscard]] bool fail_alternative(const ClientConnection& connection);
  void set_aside(const Origin& origin, const AltService& service);
  [[nodiscard]] static std::string session_key(const ClientConnection& connection);

  // connections.cpp: events of the sessions.
  void handle(ClientConnection& connection, h3::Event& event);
  void handle_stream(ClientConnection& connection, h3::Event& event);
  void handle_connected(ClientConnection& connection);
  void handle_disconnected(ClientConnection& connection, const Error& reason);
  void handle_goaway(ClientConnection& connection, quic::StreamId first_refused);
  void keep_session(const ClientConnection& connection);
  void drop(ClientConnection& connection);
  void drain(ClientConnection& connection);
  void migrate_pending();
  void close_unused_sockets();
  void keep_alive(const ClientConnection& connection);
  [[nodiscard]] h3::Session* session(ConnectionNumber connection) noexcept;
  [[nodiscard]] h3::Session* session_on(const ClientConnection& connection) noexcept;
  [[nodiscard]] quic::Connection* quic_of(const ClientConnection& connection) noexcept;

  // call.cpp: requests and replies.
  [[nodiscard]] Result<> send(ClientCall& call, ClientConnection& connection);
  void enqueue_again(ClientCall& call);
  void await_continue(ClientCall& call);
  void end_waiting(ClientCall& call);
  void handle_answer_to_expectation(ClientCall& call, int status);
  [[nodiscard]] bool retry_unexpected(ClientCall& call, int status);
  void arm(ClientCall& call);
  [[nodiscard]] bool redirect(ClientCall& call, int status, const Headers& headers);
  void collect_body(ClientCall& call);
  [[nodiscard]] bool wants_plain(const ClientCall& call) const;
  void begin_reading(ClientCall& call, Headers& headers);
  void handle_head(ClientCall& call, h3::Event& event);
  void handle_end(ClientCall& call, const Error& reason);
  void work_on(ClientCall& call);
  [[nodiscard]] bool outlives(ClientCall& call, ClientConnection& connection);
  void leave_connection(ClientCall& call);
  [[nodiscard]] bool retry(ClientCall& call, const Error& reason);
  [[nodiscard]] bool retry_too_early(ClientCall& call, int status);
  void finish(ClientCall& call, Result<Reply> result);
  void deliver_finished();
  void do_work();
  void sweep(Time now);
  void cancel_all();
  void close_if_idle();

  ClientConfig config;
  SessionCache sessions;
  AltSvcCache alternatives;
  std::vector<Address> sockets;
  std::unordered_map<std::string, std::unique_ptr<Origin>> origins;
  std::unordered_map<std::string, Address> overrides;
  std::unordered_map<ConnectionNumber, std::unique_ptr<ClientConnection>> connections;
  QuicNumbers numbers;
  std::unordered_map<const ClientCall*, std::unique_ptr<ClientCall>> calls;
  std::vector<Origin*> dirty;
  std::vector<Origin*> advancing;   ///< the part of it that is being looked at
  std::deque<std::string> starved;  ///< keys of origins
  std::deque<ClientCall*> finished;
  std::vector<Handle> work;
  std::vector<Handle> working;  ///< the part of it that is being done
  quic::LargeBlockPtr scratch_block;
  HandlerPlace<void(const ConnectionInfo&)> on_connected;
  HandlerPlace<void(const ConnectionInfo&)> on_disconnected;
  HandlerPlace<void(const ConnectionInfo&, const quic::PathEvent&)> on_path;
  HandlerPlace<void(std::string_view, const Address&)> on_connecting;
  ClientStats counted;
  std::uint64_t last_number = 0;
  bool closing = false;
  bool has_migrations = false;  ///< some connection may have to move to another socket
  HandleOwner owner{this};
};

}  // namespace quoin::inline v0
