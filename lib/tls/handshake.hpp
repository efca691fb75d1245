// SPDX-License-Identifier: MIT
/// The seam between TLS and what it protects: a QUIC connection today, a byte stream later. Not
/// public.
#pragma once

#include <string>
#include <vector>

#include <quoin/tls_request.hpp>

struct ssl_ctx_st;

namespace quoin::inline v0::tls {

/// A kind of connection that TLS runs on. There is one object per kind, never destroyed: every Tls
/// has a separate context for each, and tickets are valid only for the kind they were made on.
struct Transport {
  const char* name;
  /// Prepares a new context before anything else is set; false: failed.
  bool (*set_up)(ssl_ctx_st* context, bool is_server);
};

/// What a handshake asks and tells its connection while being fed: the connection may not feed or
/// destroy its Session from here.
class Handshake {
 public:
  /// Server: our protocols, preferred ones first (RFC 7301).
  [[nodiscard]] virtual const std::vector<std::string>& protocols() const noexcept = 0;
  /// Server: whether early data is accepted from clients that need not authenticate.
  [[nodiscard]] virtual bool takes_early_data() const noexcept = 0;
  /// Server: the handshake is about to stop for this. Assigns its ID and queues it for an answer;
  /// false, after Session::fail(): the handshake ends instead.
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
