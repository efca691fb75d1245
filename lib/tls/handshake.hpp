// SPDX-License-Identifier: MIT
/// The seam between TLS and what it protects: a QUIC connection today, a byte stream later. Not
/// public.
#pragma once

#include <string>
#include <vector>

#include <quoin/tls_request.hpp>

struct ssl_ctx_st;

namespace quoin::inline v0::tls {

/// A kind of connection that TLS runs on. There is one object of it for each kind, which lives for
/// ever: every Tls keeps a context of its own for each, and tickets stay with the kind that they
/// were made on.
struct Transport {
  const char* name;
  /// Prepares a new context before anything else is set; false: it cannot.
  bool (*set_up)(ssl_ctx_st* context, bool is_server);
};

/// What a handshake asks its connection, and tells it, while the connection feeds it: the
/// connection may not feed or destroy its Session from here.
class Handshake {
 public:
  /// Server: the protocols that we speak, preferred ones first (RFC 7301).
  [[nodiscard]] virtual const std::vector<std::string>& protocols() const noexcept = 0;
  /// Server: whether early data is taken from clients that need not show who they are.
  [[nodiscard]] virtual bool takes_early_data() const noexcept = 0;
  /// Server: the handshake is about to stop for this. Gives it its ID and remembers to have it
  /// answered; false, after Session::fail(): the handshake ends instead.
  [[nodiscard]] virtual bool begin_wait(TlsRequest& request) = 0;
  /// Client: the server gave us this ticket, for Session::offer().
  virtual void keep_ticket(std::string ticket) = 0;

 protected:
  Handshake() = default;
  Handshake(const Handshake&) = default;
  Handshake& operator=(const Handshake&) = default;
  ~Handshake() = default;
};

}  // namespace quoin::inline v0::tls
