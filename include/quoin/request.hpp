// SPDX-License-Identifier: MIT
/// One request and its response as a server's handler sees them. Both are handles, valid in any
/// handler and at any time: once the request is over their members do nothing. For the client's
/// side see quoin/client.hpp.
#pragma once

#include <quoin/version.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/handle.hpp>
#include <quoin/headers.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {

/// How a request ended, once its stream is over.
struct Outcome {
  int status = 0;                    ///< of the response; 0 if none had begun
  std::uint64_t bytes_sent = 0;      ///< of the response's body, handed to the connection
  std::uint64_t bytes_received = 0;  ///< of the request's body, taken by the handler
  Duration duration{};               ///< from the request's headers to the end of its stream
  Error error{};                     ///< none if the response was sent completely
};

/// What a client asked for. A 16-byte handle; the views it returns are valid until the request's
/// stream is over, and empty for a request that is gone.
class QUOIN_EXPORT Request {
 public:
  /// Names no request.
  Request() = default;

  /// The client is connected and the stream is open.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// For example "GET"; upper and lower case differ.
  [[nodiscard]] std::string_view method() const;
  /// The path as sent, percent-encoding and all, without the query.
  [[nodiscard]] std::string_view path() const;
  /// What follows the first "?" of the target, as sent; empty without one.
  [[nodiscard]] std::string_view query() const;
  /// Path and query as sent.
  [[nodiscard]] std::string_view target() const;
  /// The host the client asked for, with the port if it is not the default.
  [[nodiscard]] std::string_view authority() const;
  /// The part of the path that matched `{name}` in the route's pattern, percent-decoded; "*" names
  /// the rest of the path. Empty if the pattern has no such name.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
  /// The first header of this name; empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  /// All headers, pseudo-headers included.
  [[nodiscard]] const Headers& headers() const;
  /// The fields after the body; empty until the reader has got the end of the body.
  [[nodiscard]] const Headers& trailers() const;
  /// How urgent the response is: as the client said in its `priority` field or later (RFC 9218), or
  /// as set by Response::prioritize().
  [[nodiscard]] Priority priority() const;
  /// The client's address at present; none for a request that is gone.
  [[nodiscard]] Address peer() const;
  /// The request came in early data (0-RTT) and may be an attacker's replay of what a client sent
  /// earlier (RFC 8470). Always false unless quic::Config::early_data is set. A handler that must
  /// not run twice answers with status 425; the client then tries again.
  [[nodiscard]] bool early() const;
  /// What the handshake agreed on, and who the client is if Tls::verify_clients() was called: the
  /// names in its certificate, its issuer and digests; empty for a client without one, in early
  /// data (0-RTT), and for a request that is gone.
  [[nodiscard]] TlsInfo tls() const;

  /// Reads the body from now on. Without a reader, or with a slow one, flow control holds the
  /// client back; a client that sent `expect: 100-continue` is told to go on (RFC 9110 §10.1.1).
  /// Replaces any earlier reader. The reader is destroyed with its stream; if the client goes away
  /// before the end it is not called again. An exception from a reader becomes a 500, or resets the
  /// stream if the response has begun.
  void on_body(Reader reader) const;
  /// Collects the body and calls `done` once with all of it, or with UsageError::too_large as soon
  /// as it is known to exceed `limit` bytes; the rest is then refused, and `done` should answer
  /// (with 413, for example). Not called if the client goes away first.
  void read_body(std::size_t limit, std::move_only_function<void(Result<std::string>)> done) const;
  /// Offers the reader again what it did not take.
  void resume() const;
  /// Takes the datagrams of the request (RFC 9297 §2.1); their bytes are valid for the call. Needs
  /// h3::Config::datagrams. Set it before the route's handler returns: without it, the first
  /// datagram resets the request with H3_DATAGRAM_ERROR.
  void on_datagram(std::move_only_function<void(Bytes)> handler) const;

  friend auto operator<=>(const Request&, const Request&) = default;

 private:
  friend struct detail::Access;

  explicit Request(const Handle& handle) noexcept : handle_(handle) {}

  Handle handle_;
};

/// How a server answers. A 16-byte handle: copy it to answer later. A response that has not begun
/// within ServerConfig::response_timeout becomes a 503.
class QUOIN_EXPORT Response {
 public:
  /// Names no response.
  Response() = default;

  /// The client is connected and the stream is open.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// Gives the request this much time from now to the end of its response, in place of all time
  /// limits in ServerConfig; for long polls and large uploads. Zero: no limit.
  const Response& timeout(Duration limit) const;
  /// Sends the response by this priority, whatever the client says (RFC 9218 §8): the server may
  /// know better. May be called before and while the response is sent. To tell proxies and the
  /// client as well, send it as the header `priority`, see Priority::to_string().
  const Response& prioritize(const Priority& priority) const;
  /// 200 to 599; 200 by default. Anything else makes the response a 500.
  const Response& status(int code) const;
  /// Appends a header. A name or value that HTTP does not allow (one with a line break, for
  /// example) is never sent: it makes the response a 500.
  const Response& header(std::string_view name, std::string_view value) const;
  /// Appends all of these as header() does, keeping Field::never_index.
  const Response& headers(const Headers& fields) const;
  /// Appends a field that follows the body; the writer of the body may still do so while it makes
  /// the last bytes.
  const Response& trailer(std::string_view name, std::string_view value) const;

  /// Sends the response with this body, and `content-length`. Only the first end() or stream()
  /// counts. The answer to HEAD is sent without its body.
  void end(std::string_view body = {}) const;
  /// The same.
  void end(const char* body) const;
  /// The same, taking `body` over.
  void end(std::string body) const;
  /// The same without copying.
  void end(SharedBytes body) const;
  /// Sends the headers, and the body as `body` makes it, called in turns when the client can take
  /// more. Without a `content-length` header the body may have any size; with one it must have that
  /// size. A writer that fails or throws resets the stream with H3_INTERNAL_ERROR.
  void stream(Writer body) const;
  /// Calls a paused writer again.
  void resume() const;

  /// An interim response, status 100 to 199 except 101, at once; for example 103 with `link`
  /// (Early Hints, RFC 8297). Ignored after end() or stream().
  void inform(int code, const Headers& headers = {}) const;
  /// Sends a datagram of the request; it may be lost (RFC 9297). Errors as
  /// h3::Session::send_datagram().
  [[nodiscard]] Result<> send_datagram(Bytes data) const;
  /// The longest datagram that send_datagram() takes at present; 0: none.
  [[nodiscard]] std::size_t max_datagram_size() const;

  /// The handler failed: sends a 500 in place of what was prepared or, if the response has begun,
  /// resets the stream with H3_INTERNAL_ERROR. `why` goes to Outcome::error, not to the client. The
  /// same as when a handler throws, but without Loop::on_exception().
  void fail(std::string_view why) const;
  /// Resets the stream with this code.
  void reset(HttpError code = HttpError::internal_error) const;

  /// Calls `done` once when the stream is over, for whatever reason; then everything that belongs
  /// to the request is destroyed. Earlier callbacks are kept and called first.
  void on_closed(std::move_only_function<void(const Outcome&)> done) const;

  friend auto operator<=>(const Response&, const Response&) = default;

 private:
  friend struct detail::Access;

  explicit Response(const Handle& handle) noexcept : handle_(handle) {}

  Handle handle_;
};

}  // namespace quoin::inline v0
