// SPDX-License-Identifier: MIT
/// An HTTP/3 client: URLs in, replies out, at most one connection per host. Not for plain QUIC
/// streams, see Dialer in quoin/listener.hpp; keeps no cookies.
#pragma once

#include <quoin/version.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/alt_svc.hpp>
#include <quoin/bytes.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/handle.hpp>
#include <quoin/headers.hpp>
#include <quoin/loop.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

namespace quoin::inline v0 {

/// Receives the addresses of a name; call it once, on the loop's thread, at once or later.
using ResolveDone = std::move_only_function<void(Result<std::vector<Address>>)>;
/// Looks up the addresses of a host name, best first. It must not block. An error, or an empty
/// list, fails the requests for that host; LocalError::name_resolution is the usual one.
using Resolver = std::function<void(const std::string& host, std::uint16_t port, ResolveDone done)>;

/// Settings of a client. Out of range, they fail every request.
struct ClientConfig {
  quic::Config quic{};  ///< `alpn` is "h3" if left empty
  h3::Config h3{};      ///< limits of each HTTP/3 session
  /// Time limit for setting up a connection: name look-up, all addresses and the handshake. More
  /// than zero.
  Duration connect_timeout = std::chrono::seconds{10};
  /// How long to try one address of a host before trying the next in parallel; the first to
  /// complete its handshake is used (RFC 8305 §5). If an address fails, the next is tried at once.
  /// More than zero.
  Duration attempt_delay = std::chrono::milliseconds{250};
  /// Time from the call to the first headers of the reply, interim ones included. Zero: no limit.
  Duration first_byte_timeout{};
  /// With the header `expect: 100-continue` a body is sent when the server asks for it, or has been
  /// silent for this long (RFC 9110 §10.1.1); not at all if it answers with 300 or more. After a
  /// 417 the request is sent again without that header. Zero: bodies do not wait.
  Duration continue_timeout = std::chrono::seconds{1};
  /// Time limit for a whole request from the call to `done`, unless the request sets its own. Zero:
  /// no limit.
  Duration request_timeout{};
  /// How long a request may make no progress in either direction before it fails. Zero: no limit.
  Duration stream_idle_timeout = std::chrono::seconds{60};
  /// Hosts whose TLS sessions and address tokens are remembered, so that the next connection needs
  /// no certificate and no Retry; the oldest go first. 0: none, and each handshake is a full one.
  std::size_t max_sessions = 256;
  /// Sends GET, HEAD and OPTIONS without a body in the first flight (0-RTT) to servers that allowed
  /// it before. An attacker can replay them (RFC 8470), so use it only if the application's safe
  /// requests really have no side effects. See also ClientRequest::early.
  bool early_safe_methods = false;
  /// Connections at a time, attempts included: one for each host and port. To make room, the one
  /// idle longest is closed, those shared by hosts last; while none is idle, requests wait. 1 or
  /// more.
  std::size_t max_connections = 256;
  /// Time after which a connection without requests is closed. Zero: only quic::Config's
  /// `max_idle_timeout` applies.
  Duration idle_connection_timeout{};
  /// Sends a PING after this much silence on a connection with open requests, but no later than
  /// half of `max_idle_timeout`: when a NAT has given the client another port, this is how a server
  /// that is sending a reply learns of it. Zero: only quic::Config's `keep_alive` applies.
  Duration request_keep_alive = std::chrono::seconds{5};
  /// Sends requests for a host on a connection to another one that has the same address and port
  /// and whose verified certificate covers that host too (RFC 9114 §3.3). A request that the server
  /// answers with 421 is sent again on a connection of its own.
  bool coalesce = true;
  /// Follows `alt-svc` in replies (RFC 7838) from verified servers: new requests for that origin go
  /// to its first choice for h3, whose certificate must still be for the origin's name. If it does
  /// not answer within `attempt_delay`, the origin is tried in parallel. A service that fails, or
  /// answers with 421, is not used for 5 minutes. See Client::alternatives().
  bool alternatives = false;
  /// Origins whose alternative services are remembered; those that expire first go. 1 or more.
  std::size_t max_alternatives = 1024;
  /// Requests at a time, waiting ones included; more fail with UsageError::limit_reached. 1 or
  /// more.
  std::size_t max_requests = 65'536;
  /// Redirects that a request follows (RFC 9110 §15.4), unless it sets its own number. 0: none; the
  /// application gets the 3xx as the reply.
  std::size_t max_redirects = 0;
  /// Asks servers for compressed replies (`accept-encoding: gzip, br`, unless the request has such
  /// a header) and decompresses them: body, on_data and headers are those of the uncompressed
  /// reply. Other codings are left as they are. No effect if the library was built without zlib and
  /// brotli.
  bool decompress = false;
  /// The largest size of a decompressed reply, in bytes; a larger one fails with
  /// UsageError::too_large. It is decompressed piece by piece, as its reader takes it.
  std::uint64_t max_decompressed = std::uint64_t{1} << 30U;
  /// The largest body that is collected in Reply::body, in bytes.
  std::size_t max_reply_body = 64 * 1024 * 1024;
  /// The local address to use; none: any, of either family.
  Address local{};
  /// How names are looked up; empty: by the system, in a thread of its own.
  Resolver resolver{};
};

/// How long after the call each step of a request happened; zero if it did not happen.
struct Timing {
  Duration resolved{};    ///< the host's addresses were known
  Duration connected{};   ///< the connection's handshake was complete
  Duration sent{};        ///< the request's headers were handed to the connection
  Duration first_byte{};  ///< the first headers of the reply arrived, interim ones included
  Duration total{};       ///< the end of the reply
  bool reused = false;    ///< an existing connection was used
  bool early = false;     ///< the server took it in early data (0-RTT)
};

/// A complete reply.
struct Reply {
  int status = 0;                ///< 200 to 599
  std::string body{};            ///< empty if ClientCallbacks::on_data took it
  Headers headers{};             ///< pseudo-headers included
  Headers trailers{};            ///< the fields after the body
  Timing timing{};               ///< how long it took
  std::uint64_t connection = 0;  ///< ConnectionInfo::number
  std::string url{};             ///< what answered: the request's URL, or the last redirect's
  std::size_t redirects = 0;     ///< how many redirects followed
  bool decompressed = false;     ///< body and headers differ from what the server sent
};

/// The body of a request.
class QUOIN_EXPORT RequestBody {
 public:
  /// None at all.
  RequestBody() = default;
  /// These bytes.
  RequestBody(std::string text);
  /// These bytes.
  RequestBody(const char* text);
  /// These bytes, without copying.
  RequestBody(SharedBytes data);
  /// What `writer` makes. `size`, if known, is sent as `content-length`.
  RequestBody(Writer writer, std::optional<std::uint64_t> size = {});

 private:
  friend class RequestBodyAccess;
  std::variant<std::monostate, SharedBytes, Writer> content_;
  std::optional<std::uint64_t> size_;
};

/// What to ask for.
struct ClientRequest {
  std::string method = "GET";  ///< a token, as RFC 9110 §9.1; upper and lower case differ
  std::string url{};           ///< see Url::parse()
  Headers headers{};           ///< in addition to those from the URL and the body; `host`, if
                               ///< present, replaces the URL's
  RequestBody body{};          ///< none by default
  Headers trailers{};          ///< the fields after the body; see Call::trailer()
  Duration timeout{};          ///< zero: ClientConfig::request_timeout
  /// May be sent in the first flight (0-RTT), where an attacker can replay it; for requests that do
  /// no harm when repeated. Ignored with a body from a Writer.
  bool early = false;
  /// For method CONNECT: the protocol of the stream, `:protocol` (RFC 9220). The time limit then
  /// applies to the reply's headers.
  std::string protocol{};
  /// How urgent the reply is, sent as the field `priority` (RFC 9218); none: no such field.
  std::optional<Priority> priority{};
  /// Redirects to follow; none: ClientConfig::max_redirects. 301 and 302 turn a POST into a GET,
  /// 303 everything but HEAD; 307 and 308 repeat the request. Authorization, cookie and host
  /// headers are not sent to another origin. A redirect that cannot be followed (no location, not
  /// https, a Writer's body that would have to be sent again) is the reply; with one too many the
  /// request fails with UsageError::limit_reached.
  std::optional<std::size_t> max_redirects{};
  std::optional<bool> decompress{};  ///< none: ClientConfig::decompress
};

/// What to call while a request is under way; all are destroyed after `done`, and with the client.
/// An exception from any of them but `done` fails the request with H3_INTERNAL_ERROR: see Loop.
struct ClientCallbacks {
  /// An interim response arrived, status 100 to 199.
  std::move_only_function<void(int status, const Headers&)> on_informational{};
  /// A redirect is being followed to `url`; the status and headers are those of the 3xx.
  std::move_only_function<void(int status, const Headers&, std::string_view url)> on_redirect{};
  /// The reply begins.
  std::move_only_function<void(int status, const Headers&)> on_headers{};
  /// Takes the reply's body instead of Reply::body.
  Reader on_data{};
  /// Takes the datagrams of the request (RFC 9297 §2.1); the bytes are valid for the call. Needs
  /// h3::Config::datagrams. Without it the first datagram fails the request.
  std::move_only_function<void(Bytes)> on_datagram{};
  /// The request is over: called exactly once, in a turn, never within the call that began it. Not
  /// called if the client is destroyed first.
  std::move_only_function<void(Result<Reply>)> done{};
};

/// A request under way. A 16-byte handle; once the request is over its members do nothing.
class QUOIN_EXPORT Call {
 public:
  /// Names no request.
  Call() = default;

  /// `done` has not been called yet.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// Offers the reader again what it did not take, and calls a paused writer.
  void resume() const;
  /// Changes how urgent the reply is: by ClientRequest::priority if the request has not been sent
  /// yet, else by PRIORITY_UPDATE (RFC 9218 §7.1). Servers may ignore it.
  void prioritize(const Priority& priority) const;
  /// Sends a datagram of the request; it may be lost (RFC 9297). Errors as
  /// h3::Session::send_datagram(); UsageError::unsupported before the request is sent.
  [[nodiscard]] Result<> send_datagram(Bytes data) const;
  /// The longest datagram that send_datagram() takes at present; 0: none.
  [[nodiscard]] std::size_t max_datagram_size() const;
  /// Appends a field that follows the body, which must not have ended: for what is known only when
  /// the writer makes the last bytes, such as a digest. A field that HTTP does not allow fails the
  /// request.
  void trailer(std::string_view name, std::string_view value) const;
  /// Cancels the request: `done` gets H3_REQUEST_CANCELLED in one of the next turns.
  void cancel() const;

  friend auto operator<=>(const Call&, const Call&) = default;

 private:
  friend struct detail::Access;

  explicit Call(const Handle& handle) noexcept : handle_(handle) {}

  Handle handle_;
};

/// A client's counters since it was made.
struct ClientStats {
  std::uint64_t requests = 0;             ///< begun by the application
  std::uint64_t replies = 0;              ///< received whole
  std::uint64_t requests_failed = 0;      ///< ended otherwise
  std::uint64_t retries = 0;              ///< requests sent again, see Client
  std::uint64_t requests_refused = 0;     ///< of the failed ones: by ClientConfig::max_requests
  std::uint64_t redirects = 0;            ///< redirects followed
  std::uint64_t coalesced = 0;            ///< hosts that share another one's connection
  std::uint64_t alternatives = 0;         ///< connections to alternative services
  std::uint64_t alternatives_failed = 0;  ///< failed ones, not used for a while
  std::uint64_t connections_idle = 0;     ///< closed because they were unused
  std::uint64_t connections = 0;          ///< completed handshakes
  std::uint64_t resumed = 0;              ///< of these, with a remembered session
  std::uint64_t connections_failed = 0;   ///< failed attempts, counted per address
  std::uint64_t early_requests = 0;       ///< sent in early data, refused ones included
  std::uint64_t early_refused = 0;        ///< of these, sent again after a refusal or 425
  std::uint64_t sessions_received = 0;    ///< from servers, to be remembered
  std::size_t sessions = 0;               ///< remembered at present, see max_sessions
  std::uint64_t attempts_abandoned = 0;   ///< because another address was faster
  std::size_t open_requests = 0;          ///< at present, waiting ones included
  std::size_t open_connections = 0;       ///< at present
};

/// An HTTP/3 client on a loop, which must outlive it. All requests for one host and port share a
/// connection; they wait while the server allows no more streams. Requests that the server says it
/// has not processed (RFC 9114 §5.2), and GET, HEAD and OPTIONS on a connection that turns out to
/// be dead, are sent again automatically (like those in early data that a server refuses or answers
/// with 425, RFC 8470 §5.2), unless part of the body is gone or a reply has begun. It may be
/// destroyed at any time, even by one of its callbacks: servers are told (CONNECTION_CLOSE) and no
/// callback is called any more; running callbacks are destroyed in the loop's next turn.
class QUOIN_EXPORT Client {
 public:
  /// Called with the outcome of a request; see ClientCallbacks::done.
  using Done = std::move_only_function<void(Result<Reply>)>;

  /// Opens nothing before the first request.
  explicit Client(Loop& loop, Tls tls = Tls::client(), ClientConfig config = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// Fetches `url`; see request() for the errors.
  Call get(std::string_view url, Done done);
  /// Sends a request. Errors, all passed to `done`: usage (URL, method or header in question,
  /// UsageError::too_large for a reply beyond ClientConfig::max_reply_body, closed after
  /// shutdown()), system (ECONNREFUSED and the like when nobody listens, sockets), local
  /// (name_resolution, no_answer, handshake_timeout, certificate_*, idle_timeout, stateless_reset,
  /// request_timeout, version_negotiation), tls, transport, http3. The detail names host and
  /// address.
  Call request(ClientRequest request, ClientCallbacks callbacks);
  /// The same, for callers that need only the outcome.
  Call request(ClientRequest request, Done done);

  /// Uses `address` for this host and port from now on, without a look-up. `host` is written as in
  /// a URL, IPv6 addresses with or without brackets; the certificate must still be for `host`. An
  /// alternative service has a host and port of its own. Errors: UsageError::invalid_argument if it
  /// is not a host; nothing changes then.
  [[nodiscard]] Result<> resolve(std::string_view host, std::uint16_t port, const Address& address);

  /// Opens `new_local` and moves all connections there (RFC 9000 §9.2), those not ready yet as soon
  /// as they are; new ones start there. A path that does not work is not used. A connection that
  /// may not move stays where it is, and on_path() reports it. Errors: system, with the address.
  [[nodiscard]] Result<> migrate(const Address& new_local);

  /// The machine has changed networks (Wi-Fi to mobile, for example): moves all connections to the
  /// address that the system would use now, on a new socket. Errors: as for migrate().
  [[nodiscard]] Result<> network_changed();

  /// The remembered sessions in a form for a file, which only its owner must be able to read: it
  /// can decrypt early data. They stay bound to host, port and trust.
  [[nodiscard]] std::string save_sessions() const;
  /// Adds what save_sessions() of this or another client wrote. Errors:
  /// UsageError::invalid_argument; nothing is added then.
  [[nodiscard]] Result<> load_sessions(Bytes saved);

  /// The known alternative services, if ClientConfig::alternatives is on: to add those from
  /// HTTP/1.1 or HTTP/2 replies, and to store them. New connections use them. Valid as long as the
  /// client; times are those of Loop::now().
  [[nodiscard]] AltSvcCache& alternatives() noexcept;

  /// Takes no more requests, gives those under way up to `limit` to finish, closes all connections
  /// and calls `done` once in a later turn.
  void shutdown(Duration limit = {}, std::move_only_function<void()> done = {});

  /// Called when a handshake is complete.
  void on_connected(std::move_only_function<void(const ConnectionInfo&)> log);
  /// Called when a connection is over, or its handshake has failed.
  void on_disconnected(std::move_only_function<void(const ConnectionInfo&)> log);
  /// Called when a connection's path changes: migration, the size of datagrams.
  void on_path(std::move_only_function<void(const ConnectionInfo&, const quic::PathEvent&)> log);
  /// Called when the connection to `address` is about to be tried.
  void on_connecting(
      std::move_only_function<void(std::string_view host, const Address& address)> log);

  /// The current figures.
  [[nodiscard]] ClientStats stats() const;
  /// The connections that are up.
  [[nodiscard]] std::vector<ConnectionInfo> connections() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0
