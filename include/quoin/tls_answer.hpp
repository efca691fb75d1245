// SPDX-License-Identifier: MIT
/// How a Server or Listener is given certificates and signatures that are kept elsewhere. What they
/// are needed for is in quoin/tls_request.hpp.
#pragma once

#include <quoin/version.hpp>

#include <functional>
#include <string_view>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/handle.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_request.hpp>

namespace quoin::inline v0 {

/// The answer to a TlsRequest, to give at once or later, on the loop's thread: a value to copy and
/// store. It becomes stale if the client gives up in the meantime.
class QUOIN_EXPORT TlsAnswer {
 public:
  /// Answers nothing.
  TlsAnswer() = default;

  /// The handshake is still waiting.
  [[nodiscard]] explicit operator bool() const noexcept;

  /// Goes on with this certificate: see quic::Endpoint::give_certificate(), also for the errors.
  [[nodiscard]] Result<> use(const Tls& tls) const;
  /// Goes on with this signature: see quic::Endpoint::give_signature(), also for the errors.
  [[nodiscard]] Result<> sign(Bytes signature) const;
  /// Ends the handshake with an alert; `why` is passed to Server::on_disconnected() and not sent to
  /// the client. Errors: UsageError::stale_handle.
  [[nodiscard]] Result<> refuse(std::string_view why) const;

 private:
  friend struct detail::Access;

  TlsAnswer(const Handle& desk, const TlsRequestId& id) noexcept : desk_(desk), id_(id) {}

  Handle desk_;
  TlsRequestId id_;
};

/// Is told what a handshake waits for; runs in a turn of the loop.
using TlsHandler = std::move_only_function<void(TlsRequest, TlsAnswer)>;

}  // namespace quoin::inline v0
