// SPDX-License-Identifier: MIT
/// TlsAnswer, and calling the handler that is to give it.
#include "loop/tls_answers.hpp"

#include <optional>
#include <string_view>
#include <utility>

#include <quoin/error.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/tls_answer.hpp>

#include "base/access.hpp"
#include "loop/call_in_place.hpp"
#include "loop/driver.hpp"

namespace quoin::inline v0 {
namespace {

/// Tells the endpoint, and lets the loop send the result.
template <class Tell>
Result<> tell(const Handle& desk, Tell tell_endpoint) {
  auto* const open = resolve_as<TlsAnswers>(desk);
  if (open == nullptr) {
    return std::unexpected(Error{UsageError::stale_handle, "the server is gone"});
  }
  const Result<> told = tell_endpoint(open->endpoint(), open->loop().now());
  wake_driver(open->loop(), open->driver());
  return told;
}

}  // namespace

void TlsAnswers::serve() {
  if (endpoint_ == nullptr) return;
  const Handle self = owner_.handle();

  while (std::optional<TlsRequest> request = self ? endpoint_->poll_tls_request() : std::nullopt) {
    const auto answer = detail::named<TlsAnswer>(self, request->id);
    if (!handler) {
      (void)answer.refuse("nobody was set to answer for certificates and keys");
      continue;
    }
    const Called called =
        call_in_place(loop_, "on_tls_request", self, handler, std::move(*request), answer);
    if (called.gone) return;
    if (called.thrown) (void)answer.refuse("on_tls_request: " + message_of(called.thrown));
  }
}

TlsAnswer::operator bool() const noexcept {
  auto* const desk = resolve_as<TlsAnswers>(desk_);
  return desk != nullptr && desk->endpoint().awaits(id_);
}

Result<> TlsAnswer::use(const Tls& tls) const {
  return tell(desk_, [&](quic::Endpoint& endpoint, Time now) {
    return endpoint.give_certificate(id_, tls, now);
  });
}

Result<> TlsAnswer::sign(Bytes signature) const {
  return tell(desk_, [&](quic::Endpoint& endpoint, Time now) {
    return endpoint.give_signature(id_, signature, now);
  });
}

Result<> TlsAnswer::refuse(std::string_view why) const {
  return tell(desk_, [&](quic::Endpoint& endpoint, Time) { return endpoint.refuse(id_, why); });
}

}  // namespace quoin::inline v0
