// SPDX-License-Identifier: MIT
/// Servers of plain QUIC, one of the two places where Connection and Stream come from; the other is
/// Dialer. Not HTTP: see Server.
#pragma once

#include <quoin/version.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_answer.hpp>

namespace quoin::inline v0 {

/// A server of plain QUIC on a loop, which must outlive it. It may be destroyed by a handler.
class QUOIN_EXPORT Listener {
 public:
  /// `config.alpn` must name your protocol. Wrong settings are reported by listen().
  Listener(Loop& loop, Tls tls, quic::Config config, quic::StreamsConfig streams = {});
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  /// Closes its connections with code 0 and destroys all handlers; in a handler of this listener,
  /// as soon as that has returned. Data written but not yet sent is lost: see shutdown().
  ~Listener();

  /// Called with each connection when its handshake is complete: the place to set handlers. If it
  /// throws, the connection is closed with code 0.
  void on_connection(std::move_only_function<void(Connection)> handler);
  /// Listens on "192.0.2.1:4433" or "[::]:4433" (port 0: any) and returns the address with the
  /// port. May be called for several addresses. Errors: UsageError::invalid_argument for the
  /// address or with the name of a wrong setting, closed after shutdown(), system with the address.
  [[nodiscard]] Result<Address> listen(std::string_view address);
  /// Called for each certificate or signature that a handshake waits for, with
  /// Tls::server_on_demand() or Tls::server_without_key(); without a handler they are refused.
  void on_tls_request(TlsHandler handler);
  /// Uses other certificates for new connections; existing ones go on unchanged, and earlier
  /// tickets can still be resumed if names and client verification are the same. May be called
  /// before listen(). Errors: UsageError::invalid_argument for a client's Tls; nothing changes
  /// then.
  [[nodiscard]] Result<> set_tls(Tls tls);
  /// Replaces quic::Config::token_secrets, also before listen(); see
  /// quic::Endpoint::set_token_secrets(). Errors: the same; nothing changes then.
  [[nodiscard]] Result<> set_token_secrets(std::vector<std::string> secrets);
  /// New connections are refused from now on; existing ones go on.
  void stop_accepting() noexcept;
  /// Accepts no more connections, tells the existing ones (Connection::on_shutdown()), refuses new
  /// streams of their peers with code 0, and closes each with code 0 as soon as it has no streams.
  /// What is left after `limit` is closed anyway. Then, in a later turn, after every on_closed(),
  /// calls `done` once; it may destroy the listener. A stream is over when the peer's QUIC has all
  /// of it; only your protocol can tell whether the application has read it. Handshakes in progress
  /// are aborted. Further calls can only shorten the limit.
  void shutdown(Duration limit, std::move_only_function<void()> done = {});
  /// The counters since the first listen().
  [[nodiscard]] quic::EndpointStats stats() const noexcept;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0
