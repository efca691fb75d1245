// SPDX-License-Identifier: MIT
/// Where the facade's servers pass on what their handshakes wait for, and receive the answers. Not
/// public.
#pragma once

#include <quoin/loop.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/tls_answer.hpp>

#include "base/handle.hpp"
#include "loop/call_in_place.hpp"
#include "loop/driver.hpp"

namespace quoin::inline v0 {

/// A server's desk for certificates and signatures.
class TlsAnswers {
 public:
  /// The desk is part of `driver`.
  TlsAnswers(Loop& loop, const Driver& driver) noexcept : loop_(loop), driver_(driver) {}

  /// There is an endpoint now; it does not move.
  void open(quic::Endpoint& endpoint) noexcept { endpoint_ = &endpoint; }

  /// All answers are stale from now on, and no handler is called.
  void close() noexcept { owner_.release(); }

  /// Calls the handler with all waiting requests; without one, or if it throws, refuses them. The
  /// handler may close or destroy the desk.
  void serve();

  [[nodiscard]] quic::Endpoint& endpoint() noexcept { return *endpoint_; }

  [[nodiscard]] Loop& loop() noexcept { return loop_; }

  [[nodiscard]] const Driver& driver() const noexcept { return driver_; }

  HandlerPlace<void(TlsRequest, TlsAnswer)> handler;

 private:
  Loop& loop_;
  const Driver& driver_;
  quic::Endpoint* endpoint_ = nullptr;
  HandleOwner owner_{this};
};

}  // namespace quoin::inline v0
