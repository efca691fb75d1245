// SPDX-License-Identifier: MIT
/// The implementation of Request and Response: one request stream of a server. Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/headers.hpp>
#include <quoin/loop.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/request.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>

#include "base/handle.hpp"
#include "http/body.hpp"
#include "http/connection_number.hpp"
#include "loop/call_in_place.hpp"
#include "quic/streams/block_pool.hpp"
#include "server/router.hpp"

namespace quoin::inline v0 {

/// What an exchange needs from its server.
class ExchangeHost {
 public:
  ExchangeHost() = default;
  ExchangeHost(const ExchangeHost&) = delete;
  ExchangeHost& operator=(const ExchangeHost&) = delete;
  virtual ~ExchangeHost() = default;

  /// The session of the connection, or null if the connection is over.
  [[nodiscard]] virtual h3::Session* session(ConnectionNumber connection) noexcept = 0;
  /// The exchange has work to do: its work() is called soon, in a turn.
  virtual void want_work(const Handle& exchange) = 0;
  /// The value for `date`; empty without a clock.
  [[nodiscard]] virtual std::string_view date() const = 0;
  [[nodiscard]] virtual Time now() const noexcept = 0;
  /// The loop whose turns these are.
  [[nodiscard]] virtual Loop& turning_loop() noexcept = 0;
  /// True once application code must no longer be called.
  [[nodiscard]] virtual const bool& stopped() const noexcept = 0;
  /// Unused fields whose memory is reused from one response to the next.
  [[nodiscard]] virtual Headers& spare_headers() noexcept = 0;
  /// Room for writers to fill.
  [[nodiscard]] virtual quic::LargeBlockPtr& scratch() noexcept = 0;
};

/// ServerConfig's time limits for a request; zero: none.
struct TimeLimits {
  Duration response;  ///< until the response begins
  Duration idle;      ///< without progress
  Duration whole;     ///< from the headers to the end of the response
};

/// One request and its response.
class Exchange {
 public:
  Exchange(ExchangeHost& host, ConnectionNumber connection, quic::StreamId stream, Headers request);

  const quic::StreamId id;

  [[nodiscard]] Handle handle() const noexcept { return owner_.handle(); }

  [[nodiscard]] std::string_view method() const noexcept;
  [[nodiscard]] std::string_view target() const noexcept;
  [[nodiscard]] std::string_view authority() const noexcept;

  [[nodiscard]] const Headers& request() const noexcept { return request_; }

  /// What followed the request's body.
  [[nodiscard]] const Headers& request_trailers() const noexcept { return request_trailers_; }

  void set_request_trailers(Headers trailers) { request_trailers_ = std::move(trailers); }

  [[nodiscard]] Address peer();
  [[nodiscard]] Priority priority();
  [[nodiscard]] TlsInfo tls();
  /// The connection was made for the requested host.
  [[nodiscard]] bool is_well_directed();

  /// The request came in early data and might be a replay.
  [[nodiscard]] bool is_early() const noexcept { return early_; }

  void set_early(bool early) noexcept { early_ = early; }

  void set_parameters(Parameters parameters) { parameters_ = std::move(parameters); }

  [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept;

  void on_body(Reader reader);

  /// Stops calling the reader; the client is told when the response is complete.
  void refuse_body() noexcept { incoming_.drop(); }

  void resume();
  void prioritize(const Priority& priority);
  void on_datagram(std::move_only_function<void(Bytes)> handler);
  void handle_datagram(Bytes data);
  [[nodiscard]] Result<> send_datagram(Bytes data);
  [[nodiscard]] std::size_t max_datagram_size();
  void set_timeout(Duration limit);
  void set_status(int code);
  void add_header(std::string_view name, std::string_view value);
  void add_headers(const Headers& headers);
  void add_trailer(std::string_view name, std::string_view value);
  void end(SharedBytes body);
  void stream(Writer body);
  void inform(int code, const Headers& headers);
  /// Ends with `error` as the reason in the log.
  void reset(HttpError code, Error error);
  void on_closed(std::move_only_function<void(const Outcome&)> done);
  /// Replaces the prepared response with a complete one, if none was begun. Counts as failed,
  /// with `error`.
  void fail(int status, const Error& error);
  /// Application code has failed: a 500, or a reset if the response has begun.
  void give_up(std::string_view why);

  /// Does what can be done now: calls reader and writer, ends the stream.
  void work();
  /// There is more room to send; a reader may have been waiting for it, too.
  void handle_writable();
  void handle_reset(const Error& error);
  void handle_stop_sending(const Error& error);
  /// Handles a request that has made no progress for too long, or takes too long overall. True if
  /// it was ended for that.
  [[nodiscard]] bool handle_silence(Time now, const TimeLimits& limits);
  /// The stream is over; the exchange must be destroyed afterwards. `error` is the session's
  /// reason.
  [[nodiscard]] Outcome finish(const Error& error);

  /// The server is gone: handles to this are stale, although it may still be running.
  void abandon() noexcept { owner_.release(); }

  /// The client ended the exchange before it had the whole response.
  [[nodiscard]] bool was_given_up() const noexcept { return given_up_; }

  /// The final response was begun.
  [[nodiscard]] bool is_answered() const noexcept { return answered_; }

 private:
  [[nodiscard]] h3::Session* session() noexcept;
  [[nodiscard]] bool is_tunnel() const noexcept;
  [[nodiscard]] bool has_content() const noexcept;
  void end_overdue(bool awaits_client);
  void send_trailers();
  void clear_response();
  [[nodiscard]] bool begin(bool has_body, std::optional<std::uint64_t> size);
  void touch() noexcept;
  void want_work();
  void receive(h3::Session& session);
  void send(h3::Session& session);
  void close_unread(h3::Session& session);
  void cancel(HttpError code);

  ExchangeHost& host_;
  ConnectionNumber connection_;
  Headers request_;
  Headers request_trailers_;
  bool awaits_continue_;  // the client withholds the body until asked for it
  Parameters parameters_;
  Headers response_;  // `:status` comes first
  Headers trailers_;
  HandlerPlace<void(Bytes)> on_datagram_;
  Incoming incoming_;
  Outgoing outgoing_;
  std::vector<std::move_only_function<void(const Outcome&)>> on_closed_;
  Time began_;
  std::optional<Duration> own_limit_;  // for this request, instead of the server's
  Time limit_began_;
  Time progress_;
  std::uint64_t progress_mark_ = 0;  // what the session had moved when last looked at
  Outcome outcome_;
  int status_ = 200;
  std::optional<Error> failure_;            // the reason known here
  std::optional<Error> invalid_;            // why the response cannot be sent
  std::optional<HttpError> wanted_cancel_;  // while a reader looks at bytes of the stream
  bool early_ = false;
  bool answered_ = false;  // the final response was begun
  bool sent_ = false;      // and passed to the session in full
  bool cancelled_ = false;
  bool given_up_ = false;
  bool working_ = false;  // want_work() was called
  HandleOwner owner_{this};
};

}  // namespace quoin::inline v0
