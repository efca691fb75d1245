// SPDX-License-Identifier: MIT
/// Handshakes over a perfect wire, in virtual time, for tests of authentication. See pair.hpp for
/// what happens after the handshake.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/resumption.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

namespace quoin::test {

/// How one handshake went at both ends.
struct HandshakeOutcome {
  bool client_connected = false;
  bool server_connected = false;
  Error client_reason;
  Error server_reason;
  TlsInfo client;  ///< what the client knows about the server
  TlsInfo server;  ///< what the server knows about the client
  bool was_early = false;
  std::optional<quic::Resumption> resumption;  ///< what the client got for the next time
  std::chrono::milliseconds took{};            ///< until both were connected, or one was over
};

/// What differs from the usual.
struct HandshakeOptions {
  std::vector<std::string> server_alpn{"test"};
  quic::ConnectOptions connect;
  /// Called after every step of a round trip, with the virtual time since the beginning.
  std::function<void(std::chrono::milliseconds)> meanwhile;
};

/// A server that shakes hands with any number of clients.
class Greeter {
 public:
  explicit Greeter(const Tls& tls, quic::Config config = {});
  Greeter(const Greeter&) = delete;
  Greeter& operator=(const Greeter&) = delete;
  ~Greeter();

  HandshakeOutcome greet(const Tls& client, const std::string& name,
                         const HandshakeOptions& options = {});

  [[nodiscard]] quic::Endpoint& endpoint();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One handshake with a server of its own.
HandshakeOutcome shake_hands(const Tls& server, const Tls& client, const std::string& name,
                             const HandshakeOptions& options = {});

}  // namespace quoin::test
