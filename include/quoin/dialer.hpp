// SPDX-License-Identifier: MIT
/// Clients of plain QUIC, one of the two places where Connection and Stream come from; the other is
/// Listener. Not HTTP: see Client.
#pragma once

#include <quoin/version.hpp>

#include <functional>
#include <memory>
#include <string_view>

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

namespace quoin::inline v0 {

/// A client of plain QUIC on a loop, which must outlive it. It may be destroyed by a handler.
class QUOIN_EXPORT Dialer {
 public:
  /// `config.alpn` must name your protocol. Wrong settings are reported by connect().
  Dialer(Loop& loop, Tls tls, quic::Config config, quic::StreamsConfig streams = {});
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;
  /// Closes its connections with code 0 and destroys all handlers; in a handler of this dialer, as
  /// soon as that has returned. Data written but not yet sent is lost: see shutdown().
  ~Dialer();

  /// Connects from this address instead of any, from the next connect() on.
  void bind(const Address& local);
  /// Connects to "192.0.2.1:4433" or "[2001:db8::1]:4433". The certificate must be for
  /// `server_name`, a DNS name or an IP address; empty: the IP address of `address`. `done` is
  /// called once, later, with the connection (closed with code 0 if `done` throws) or the reason
  /// why there is none. Errors, for which `done` is not called: UsageError::invalid_argument for
  /// the address or with the name of a wrong setting, closed after shutdown(), system when no
  /// socket can be opened.
  [[nodiscard]] Result<> connect(std::string_view address, std::string_view server_name,
                                 std::move_only_function<void(Result<Connection>)> done);
  /// Makes no more connections, aborts those in progress (`done` of their connect() gets
  /// UsageError::closed), and ends the others as Listener::shutdown() does.
  void shutdown(Duration limit, std::move_only_function<void()> done = {});
  /// The counters since the first connect().
  [[nodiscard]] quic::EndpointStats stats() const noexcept;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0
