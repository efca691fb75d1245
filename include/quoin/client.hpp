// SPDX-License-Identifier: MIT
/// An HTTP/3 client: URLs in, replies out, one connection for each host at the most. Not for plain
/// QUIC streams, see Dialer in quoin/listener.hpp; keeps no cookies.
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

/// Where the addresses of a name go; called once, on the loop's thread, at once or later.
using ResolveDone = std::move_only_function<void(Result<std::vector<Address>>)>;
/// Looks up the addresses of a host name, the best first. It must not block. An error, or an empty
/// list, fails the requests for that host; LocalError::name_resolution is the usual one.
using Resolver = std::function<void(const std::string& host, std::uint16_t port, ResolveDone done)>;

/// Settings of a client. Out of range, they fail every request.
struct ClientConfig {
  quic::Config quic{};  ///< `alpn` is "h3" if left empty
  h3::Config h3{};      ///< limits of each HTTP/3 session
  /// Time for a connection to be made: name look-up, all addresses and the handshake. More than
  /// zero.
  Duration connect_timeout = std::chrono::seconds{10};
  /// How long an address of a host is tried before the next one is tried beside it; the first whose
  /// handshake is complete is used (RFC 8305 §5). An address that fails is not waited for. More
  /// than zero.
  Duration attempt_delay = std::chrono::milliseconds{250};
  /// Time from the call to the first headers of the reply, interim ones included. Zero: for ever.
  Duration first_byte_timeout{};
  /// With the header `expect: 100-continue` a body is sent when the server asks for it, or says
  /// nothing for this long (RFC 9110 §10.1.1); not at all if it answers with 300 or more, and a 417
  /// is answered by the request without that header. Zero: bodies do not wait.
  Duration continue_timeout = std::chrono::seconds{1};
  /// Time for a whole request from the call to `done`, unless it says otherwise. Zero: for ever.
  Duration request_timeout{};
  /// Time in which a request makes no progress in either direction until it is given up. Zero: for
  /// ever.
  Duration stream_idle_timeout = std::chrono::seconds{60};
  /// Hosts whose TLS sessions and address tokens are remembered, so that the next connection needs
  /// no certificate and no Retry; the oldest go first. 0: none are, and each handshake is a full
  /// one.
  std::size_t max_sessions = 256;
  /// Sends GET, HEAD and OPTIONS without a body in the first flight (0-RTT) to servers that allowed
  /// it before. An attacker can have them handled again (RFC 8470), so that is for applications
  /// whose safe requests really have no effect. See also ClientRequest::early.
  bool early_safe_methods = false;
  /// Connections at a time, attempts included: each host and port has one. For room, the one
  /// idle longest is closed, one that hosts share last; while none is, requests wait. 1 or more.
  std::size_t max_connections = 256;
  /// Time after which a connection without requests is closed. Zero: when quic::Config's
  /// `max_idle_timeout` says so.
  Duration idle_connection_timeout{};
  /// Sends a PING after so much silence on a connection that has open requests, at the latest after
  /// half of `max_idle_timeout`: behind a NAT that gave the client another port, a server whose
  /// reply is under way learns of it only so. Zero: only as quic::Config's `keep_alive` says.
  Duration request_keep_alive = std::chrono::seconds{5};
  /// Sends requests for a host on a connection to another one that has the same address and port
  /// and whose verified certificate is for that host too (RFC 9114 §3.3). A request that the
  /// server answers with 421 is sent again on a connection of its host's own.
  bool coalesce = true;
  /// Follows what replies say in `alt-svc` (RFC 7838), if they come from a server that was
  /// verified: new requests for that origin go to its first choice for h3, whose certificate must
  /// be for the origin's name all the same. If it does not answer within `attempt_delay`, the
  /// origin is tried beside it. A service that fails, or answers with 421, is left alone for 5
  /// minutes. See Client::alternatives().
  bool alternatives = false;
  /// Origins whose alternative services are remembered; those that expire first go. 1 or more.
  std::size_t max_alternatives = 1024;
  /// Requests at a time, waiting ones included; more fail with UsageError::limit_reached. 1 or
  /// more.
  std::size_t max_requests = 65'536;
  /// Redirects that a request follows (RFC 9110 §15.4), unless it says otherwise. 0: none, the
  /// application gets the 3xx as the reply.
  std::size_t max_redirects = 0;
  /// Offers servers to compress replies (`accept-encoding: gzip, br`, unless the request has such a
  /// header) and undoes it: body, on_data and headers are those of the plain reply. Other codings
  /// are left as they are. Without effect if the library was built without zlib and brotli.
  bool decompress = false;
  /// The largest reply that may come out of a compressed one, in bytes; one that is larger fails
  /// with UsageError::too_large. It is made piece by piece, as its reader takes it.
  std::uint64_t max_decompressed = std::uint64_t{1} << 30U;
  /// The largest body that is collected in Reply::body, in bytes.
  std::size_t max_reply_body = 64 * 1024 * 1024;
  /// The local address to use; none: any of either family.
  Address local{};
  /// How names are looked up; empty: by the system, in a thread of its own.
  Resolver resolver{};
};

/// When what happened to a request, from the call that began it; zero if it did not happen.
struct Timing {
  Duration resolved{};    ///< the host's addresses were known
  Duration connected{};   ///< the connection's handshake was complete
  Duration sent{};        ///< the request's headers were handed to the connection
  Duration first_byte{};  ///< the first headers of the reply arrived, interim ones included
  Duration total{};       ///< the end of the reply
  bool reused = false;    ///< the connection was there already
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
  std::size_t redirects = 0;     ///< that were followed
  bool decompressed = false;     ///< body and headers are no longer as the server sent them
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
  /// These bytes, without a copy.
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
  Headers headers{};           ///< beyond those that follow from the URL and the body; `host`, if
                               ///< there, is what is asked for in place of the URL's
  RequestBody body{};          ///< none by default
  Headers trailers{};          ///< the fields after the body; see Call::trailer()
  Duration timeout{};          ///< zero: ClientConfig::request_timeout
  /// May be sent in the first flight (0-RTT), where an attacker can have it handled again; for
  /// requests that do no harm twice. Ignored with a body from a Writer.
  bool early = false;
  /// For method CONNECT: what to speak on the stream, `:protocol` (RFC 9220). The time limit is
  /// then for the reply's headers.
  std::string protocol{};
  /// How urgent the reply is, for the field `priority` (RFC 9218); none: no such field.
  std::optional<Priority> priority{};
  /// Redirects to follow; none: ClientConfig::max_redirects. 301 and 302 make a GET of a POST, 303
  /// of everything but HEAD, 307 and 308 repeat the request. Authorization, cookie and host headers
  /// go to no other origin. One that cannot be followed (no location, not https, a body by a
  /// Writer that would have to be sent again) is the reply; with one too many the request fails
  /// with UsageError::limit_reached.
  std::optional<std::size_t> max_redirects{};
  std::optional<bool> decompress{};  ///< none: ClientConfig::decompress
};

/// What to call while a request is under way; all are destroyed after `done`, and on the client's
/// destruction. What one throws, but `done`, fails the request with H3_INTERNAL_ERROR: see Loop.
struct ClientCallbacks {
  /// An interim response arrived, status 100 to 199.
  std::move_only_function<void(int status, const Headers&)> on_informational{};
  /// A redirect is being followed to `url`; the status and headers are those of the 3xx.
  std::move_only_function<void(int status, const Headers&, std::string_view url)> on_redirect{};
  /// The reply begins.
  std::move_only_function<void(int status, const Headers&)> on_headers{};
  /// Takes the reply's body instead of Reply::body.
  Reader on_data{};
  /// Takes the datagrams that belong to the request (RFC 9297 §2.1), the bytes being valid for the
  /// call; needs h3::Config::datagrams. Without it the first one fails the request.
  std::move_only_function<void(Bytes)> on_datagram{};
  /// The request is over: called exactly once, in a turn, never within the call that began it. Not
  /// called when the client is destroyed before.
  std::move_only_function<void(Result<Reply>)> done{};
};

/// A request under way. A 16-byte handle; on a request that is over its members do nothing.
class QUOIN_EXPORT Call {
 public:
  /// Names no request.
  Call() = default;

  /// `done` was not called yet.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// Offers the reader what it did not take, and calls a writer that paused.
  void resume() const;
  /// Says how urgent the reply is from now on: by ClientRequest::priority if the request was not
  /// sent yet, else by PRIORITY_UPDATE (RFC 9218 §7.1). Servers may ignore it.
  void prioritize(const Priority& priority) const;
  /// Sends a datagram that belongs to the request, or never: it may be lost (RFC 9297). Errors as
  /// h3::Session::send_datagram(); UsageError::unsupported before the request is sent.
  [[nodiscard]] Result<> send_datagram(Bytes data) const;
  /// The longest that send_datagram() takes at present; 0: none at all.
  [[nodiscard]] std::size_t max_datagram_size() const;
  /// Appends a field that follows the body, which must not have ended: for what is known only when
  /// the writer makes the last bytes, a digest say. One that HTTP does not allow fails the request.
  void trailer(std::string_view name, std::string_view value) const;
  /// Gives the request up: `done` gets H3_REQUEST_CANCELLED in a turn soon.
  void cancel() const;

  friend auto operator<=>(const Call&, const Call&) = default;

 private:
  friend struct detail::Access;

  explicit Call(const Handle& handle) noexcept : handle_(handle) {}

  Handle handle_;
};

/// What a client counted since it was made.
struct ClientStats {
  std::uint64_t requests = 0;             ///< were begun by the application
  std::uint64_t replies = 0;              ///< were received whole
  std::uint64_t requests_failed = 0;      ///< ended otherwise
  std::uint64_t retries = 0;              ///< requests that were sent again, see Client
  std::uint64_t requests_refused = 0;     ///< of the failed: by ClientConfig::max_requests
  std::uint64_t redirects = 0;            ///< were followed
  std::uint64_t coalesced = 0;            ///< hosts that got another one's connection
  std::uint64_t alternatives = 0;         ///< connections to alternative services
  std::uint64_t alternatives_failed = 0;  ///< that were left alone for a while
  std::uint64_t connections_idle = 0;     ///< were closed because nobody used them
  std::uint64_t connections = 0;          ///< handshakes that were completed
  std::uint64_t resumed = 0;              ///< of these, with a session of before
  std::uint64_t connections_failed = 0;   ///< attempts that came to nothing, for each address
  std::uint64_t early_requests = 0;       ///< were sent in early data, refused ones included
  std::uint64_t early_refused = 0;        ///< of these, sent again after a refusal or 425
  std::uint64_t sessions_received = 0;    ///< from servers, to be remembered
  std::size_t sessions = 0;               ///< remembered at present, see max_sessions
  std::uint64_t attempts_abandoned = 0;   ///< because another address was faster
  std::size_t open_requests = 0;          ///< at present, waiting ones included
  std::size_t open_connections = 0;       ///< at present
};

/// An HTTP/3 client on a loop, which must outlive it. All requests for one host and port share a
/// connection; those that the server allows no stream for yet wait. Requests that the server says
/// it has not looked at (RFC 9114 §5.2), and GET, HEAD and OPTIONS on a connection that turns out
/// to be dead, are sent again by themselves (as those in early data which a server refuses or
/// answers with 425, RFC 8470 §5.2) unless a part of the body is gone or a reply began.
/// It may be destroyed at any time, even by one of its callbacks: servers are told
/// (CONNECTION_CLOSE) and nothing is called any more; callbacks that are running are destroyed in
/// the loop's next turn.
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
  /// Sends a request. Errors, all by way of `done`: usage (URL, method or header in question,
  /// UsageError::too_large for a reply beyond ClientConfig::max_reply_body, closed after
  /// shutdown()), system (ECONNREFUSED and the like when nobody listens, sockets), local
  /// (name_resolution, no_answer, handshake_timeout, certificate_*, idle_timeout, stateless_reset,
  /// request_timeout, version_negotiation), tls, transport, http3. The detail names host and
  /// address.
  Call request(ClientRequest request, ClientCallbacks callbacks);
  /// The same when only the outcome matters.
  Call request(ClientRequest request, Done done);

  /// Uses `address` for this host and port from now on and looks nothing up. `host` as in a URL,
  /// IPv6 addresses also without brackets; the certificate must still be for `host`. An alternative
  /// service has a host and port of its own. Errors: UsageError::invalid_argument for what is no
  /// host, and nothing changes.
  [[nodiscard]] Result<> resolve(std::string_view host, std::uint16_t port, const Address& address);

  /// Opens `new_local` and moves all connections there (RFC 9000 §9.2), those that are not ready
  /// yet as soon as they are; new ones start there. A path that does not work is not used.
  /// A connection that may not move stays, and on_path() tells. Errors: system, with the address.
  [[nodiscard]] Result<> migrate(const Address& new_local);

  /// The machine's network is another one (Wi-Fi to mobile, say): moves all connections to the
  /// address that the system would use now, on a new socket. Errors: those of migrate().
  [[nodiscard]] Result<> network_changed();

  /// The remembered sessions in a form for a file, which must be readable for its owner only: with
  /// it early data can be read. They stay bound to host, port and trust.
  [[nodiscard]] std::string save_sessions() const;
  /// Adds what save_sessions() wrote, of this or another client. Errors:
  /// UsageError::invalid_argument, and nothing is added.
  [[nodiscard]] Result<> load_sessions(Bytes saved);

  /// What is known of alternative services, if ClientConfig::alternatives is on: for adding what
  /// replies by HTTP/1.1 or HTTP/2 said, and for keeping it. New connections use it. Valid as long
  /// as the client; the times are those of Loop::now().
  [[nodiscard]] AltSvcCache& alternatives() noexcept;

  /// Takes no more requests, lets those under way finish for at most `limit`, closes all
  /// connections and calls `done` once in a later turn.
  void shutdown(Duration limit = {}, std::move_only_function<void()> done = {});

  /// Called when a handshake is complete.
  void on_connected(std::move_only_function<void(const ConnectionInfo&)> log);
  /// Called when a connection is over, also when its handshake failed.
  void on_disconnected(std::move_only_function<void(const ConnectionInfo&)> log);
  /// Called with what happens to the path of a connection: migration, the size of datagrams.
  void on_path(std::move_only_function<void(const ConnectionInfo&, const quic::PathEvent&)> log);
  /// Called when the connection to `address` is about to be tried.
  void on_connecting(
      std::move_only_function<void(std::string_view host, const Address& address)> log);

  /// The figures of now.
  [[nodiscard]] ClientStats stats() const;
  /// The connections that are up.
  [[nodiscard]] std::vector<ConnectionInfo> connections() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0
