// SPDX-License-Identifier: MIT
/// An HTTP/3 server: routes, handlers and static files on a loop. Not for plain QUIC streams, see
/// quoin/listener.hpp.
#pragma once

#include <quoin/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/file_path.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/headers.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/request.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_answer.hpp>

namespace quoin::inline v0 {

/// Settings of a server. Out of range, they are reported by Server::listen().
struct ServerConfig {
  quic::Config quic{};  ///< `alpn` is "h3" if left empty
  h3::Config h3{};      ///< limits of each HTTP/3 session
  /// How long a request may make no progress in either direction before its stream is reset with
  /// H3_REQUEST_CANCELLED. Zero: no limit.
  Duration stream_idle_timeout = std::chrono::seconds{30};
  /// Time for the handler to begin its response, from the last byte of the request that was read;
  /// then the client gets a 503. Zero: no limit.
  Duration response_timeout = std::chrono::seconds{30};
  /// Time for a whole request, from its headers to the end of its response, even if it makes
  /// progress; then the client gets a 408 or 503 or, if the response has begun,
  /// H3_REQUEST_CANCELLED. Zero: no limit. Response::timeout() overrides all three. All are
  /// accurate to half a second.
  Duration request_timeout{};
  /// Time without a request after which a connection's client is told to leave (GOAWAY, RFC 9114
  /// §5.2); if still idle five seconds later, the connection is closed. It is meant for clients
  /// that keep unused connections alive with PINGs; a request counts from its complete header.
  /// Zero: no limit.
  Duration idle_connection_timeout = std::chrono::minutes{3};
  /// Requests that a client may reset each second, and twice as many in a burst; more than that
  /// closes its connection with H3_EXCESSIVE_LOAD (CVE-2023-44487).
  std::size_t resets_per_second = 500;
  /// Passes requests in early data to the handler whatever their method. Otherwise only GET, HEAD
  /// and OPTIONS are, and others are answered with 425 (Too Early, RFC 8470 §5.2), because an
  /// attacker can replay them. Early data is off unless `quic.early_data` is set.
  bool early_unsafe = false;
  /// The clock for `date` headers (RFC 9110 §6.6.1), for example std::chrono::system_clock::now.
  /// Empty: none are sent, which RFC 9110 allows a server without a clock.
  std::function<std::chrono::system_clock::time_point()> wall_clock{};
};

/// How Server::files() serves a directory.
struct FileOptions {
  /// Directories without an index file are shown as an HTML page; otherwise they are a 404.
  bool listing = false;
  /// The file served for a directory; empty: none.
  std::string index = "index.html";
  /// The type of files with an unknown extension.
  std::string default_type = "application/octet-stream";
  /// Memory for recently requested files of at most 64 KiB, in bytes; 0: none. Before answering
  /// from memory each turn checks that the file is unchanged. Works only if
  /// ServerConfig::wall_clock is set: files that changed within the last two seconds are not kept.
  std::size_t cache_bytes = std::size_t{16} * 1024 * 1024;
  /// Headers for all responses, for example `cache-control`.
  Headers headers{};
};

/// A request that is over, for the access log. Views are valid for the call.
struct Access {
  std::uint64_t connection = 0;  ///< ConnectionInfo::number
  Address peer{};                ///< the client
  std::string_view method{};     ///< "GET"
  std::string_view target{};     ///< path and query as sent; may contain any visible character
  std::string_view authority{};  ///< the host that was asked for
  const Headers& headers;        ///< of the request
  Outcome outcome{};             ///< how it ended
};

/// A server's counters since it was made.
struct ServerStats {
  quic::EndpointStats quic{};  ///< the engine's: connections, handshakes, UDP datagrams

  std::uint64_t requests = 0;         ///< headers received
  std::uint64_t responses = 0;        ///< sent completely
  std::uint64_t requests_failed = 0;  ///< ended otherwise, for whatever reason
  std::size_t open_requests = 0;      ///< at present

  std::uint64_t timeouts = 0;          ///< ServerConfig's stream_idle_timeout, response_timeout
  std::uint64_t too_early = 0;         ///< answered with 425, see ServerConfig::early_unsafe
  std::uint64_t connections_idle = 0;  ///< told to leave, ServerConfig::idle_connection_timeout
  std::uint64_t excessive_resets = 0;  ///< connections closed for resets_per_second

  std::uint64_t body_bytes_sent = 0;      ///< of responses
  std::uint64_t body_bytes_received = 0;  ///< of requests
  std::uint64_t files_from_memory = 0;    ///< answered without reading; FileOptions::cache_bytes
  std::uint64_t datagrams_dropped = 0;    ///< received HTTP datagrams; h3::Config::datagram_queue

  /// Adds what another server counted, for a sum over servers.
  QUOIN_EXPORT ServerStats& operator+=(const ServerStats& other) noexcept;
};

/// An HTTP/3 server on a loop, which must outlive it. It may be destroyed at any time, even by one
/// of its handlers: its clients are told (CONNECTION_CLOSE) and no handler is called any more;
/// running handlers are destroyed in the loop's next turn.
class QUOIN_EXPORT Server {
 public:
  /// Answers a request, now or later. An exception becomes a 500, or resets the stream if the
  /// response has begun, and is reported as for every handler: see Loop.
  using Handler = std::move_only_function<void(Request, Response)>;

  /// Nothing is opened before listen().
  Server(Loop& loop, Tls tls, ServerConfig config = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Calls `handler` for requests with this method whose path matches `pattern`. A pattern is a
  /// path; a segment `{name}` matches any one non-empty segment, and `*` as the last segment the
  /// rest of the path, even an empty one. Segments are compared after percent-decoding. Of all
  /// patterns that match and have the method, the most specific one wins: text before `{name}`
  /// before `*`, from left to right. A path with handlers, but none for the method, gets a 405 with
  /// `allow`. HEAD is answered by the handler for GET unless it has its own. A pattern may begin
  /// with a host, "b.example/users/{id}": then it matches requests to that host, on any port, and
  /// takes precedence over patterns without one. CONNECT (RFC 9114 §4.4) has no path: its handler
  /// is the one for "/", whatever the host. Answering 2xx with stream() and reading with
  /// Request::on_body() makes the tunnel. A second handler for a method and pattern replaces the
  /// first.
  Server& route(std::string_view method, std::string_view pattern, Handler handler);
  /// route("GET", ...), which also answers HEAD.
  Server& get(std::string_view pattern, Handler handler);
  /// route("POST", ...).
  Server& post(std::string_view pattern, Handler handler);
  /// route("PUT", ...).
  Server& put(std::string_view pattern, Handler handler);
  /// route("DELETE", ...).
  Server& del(std::string_view pattern, Handler handler);
  /// Calls `handler` when no pattern matches, whatever the method, except for extended CONNECT (RFC
  /// 9220); without it the answer is a 404.
  Server& fallback(Handler handler);

  /// Serves the files below `directory` for paths below `prefix` (such as "/" or "/static"), GET
  /// and HEAD, with `content-type`, `last-modified`, a strong `etag` of inode, size and time of
  /// modification, conditional requests and single byte ranges (RFC 9110 §13, §14). Nothing outside
  /// the directory is served, whatever the path or symbolic links say. A file that shrinks while it
  /// is sent ends in a reset stream, never as if complete. Errors: system, with the directory;
  /// UsageError::invalid_argument with the prefix.
  [[nodiscard]] Result<> files(std::string_view prefix, const FilePath& directory,
                               FileOptions options = {});

  /// Accepts connections on "192.0.2.1:443", "[::]:4433" (all addresses of both families) and the
  /// like, port 0 being any free one, and returns the address with the port it got. May be called
  /// several times. Errors: UsageError::invalid_argument with the address or setting in question,
  /// system with the address.
  [[nodiscard]] Result<Address> listen(std::string_view address);

  /// Takes no new connections and requests (GOAWAY), gives those in progress up to `limit` to
  /// finish, closes, and calls `done` once in a later turn. Connections that had no request are
  /// closed within a second; those that had one are left to their clients, which close them when
  /// they have read the response, until the limit. Further calls can only shorten it.
  void shutdown(Duration limit, std::move_only_function<void()> done = {});

  /// Called with every finished request.
  void on_access(std::move_only_function<void(const Access&)> log);
  /// Called when a handshake is complete.
  void on_connected(std::move_only_function<void(const ConnectionInfo&)> log);
  /// Called when a connection is over, or its handshake has failed.
  void on_disconnected(std::move_only_function<void(const ConnectionInfo&)> log);
  /// Called when a connection's path changes: clients that move, the size of datagrams.
  void on_path(std::move_only_function<void(const ConnectionInfo&, const quic::PathEvent&)> log);

  /// Uses other certificates for new connections; existing ones go on unchanged, and earlier
  /// tickets can still be resumed if names and client verification are the same. May be called
  /// before listen(). Errors: UsageError::invalid_argument for a client's Tls; nothing changes
  /// then.
  [[nodiscard]] Result<> set_tls(Tls tls);
  /// Called for each certificate or signature that a handshake waits for, with
  /// Tls::server_on_demand() or Tls::server_without_key(); without a handler they are refused.
  void on_tls_request(TlsHandler handler);
  /// Replaces quic::Config::token_secrets, also before listen(), without clients noticing; see
  /// quic::Endpoint::set_token_secrets(). Errors: the same; nothing changes then.
  [[nodiscard]] Result<> set_token_secrets(std::vector<std::string> secrets);
  /// The current figures.
  [[nodiscard]] ServerStats stats() const;

  struct Impl;

 private:
  friend class Workers;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0
