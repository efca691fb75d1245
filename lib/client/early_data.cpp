// SPDX-License-Identifier: MIT
/// Remembered sessions and requests in early data (0-RTT): what may be sent, what comes back.
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/resumption.hpp>

#include "client/client_impl.hpp"
#include "client/session_cache.hpp"
#include "http/body.hpp"
#include "http/endpoint.hpp"
#include "message/status.hpp"

namespace quoin::inline v0 {

void Client::Impl::keep_session(const ClientConnection& connection) {
  const quic::Connection* const quic = quic_of(connection);
  const h3::Session* const h3 = session_on(connection);
  if (quic == nullptr || h3 == nullptr) return;
  std::optional<quic::Resumption> kept = quic->resumption();
  if (!kept) return;
  kept->set_application_data(h3->peer_settings());
  ++counted.sessions_received;
  sessions.put(session_key(connection), std::move(*kept));
}

bool Client::Impl::may_go_early(const ClientCall& call) const {
  const ClientRequest& request = call.request;
  const bool harmless =
      request.early || (config.early_safe_methods && is_safe_method(request.method) &&
                        RequestBodyAccess::is_empty(request.body));
  return harmless && !call.must_wait && RequestBodyAccess::is_repeatable(request.body);
}

void Client::Impl::send_early(Origin& origin, ClientConnection& connection) {
  if (!connection.early) return;
  const std::deque<ClientCall*> waiting = origin.waiting;
  for (ClientCall* const call : waiting) {
    if (!may_go_early(*call)) continue;
    // Whatever is wrong, it waits for the handshake and gets the error then.
    if (!send(*call, connection)) return;
    std::erase(origin.waiting, call);
  }
}

// The server has not handled it, or may handle it again: it waits for the handshake.
void Client::Impl::take_back(ClientCall& call) {
  call.outgoing.drop();
  end_waiting(call);
  call.body_sent = 0;
  call.replying = false;
  call.sent_early = call.reply.timing.early = false;
  call.state = ClientCall::State::waiting;
  --call.tries;
  ++counted.early_refused;
  call.origin->waiting.push_back(&call);
  mark(*call.origin);
}

void Client::Impl::take_back_all(ClientConnection& connection) {
  const auto lost = std::exchange(connection.calls, {});
  const std::map<quic::StreamId, ClientCall*> in_order{lost.begin(), lost.end()};
  for (const auto& [stream, call] : in_order) take_back(*call);
}

// RFC 8470 §5.2: sent again once the handshake is complete, and never in early data.
bool Client::Impl::retry_too_early(ClientCall& call, int status) {
  if (status != status::too_early || !call.sent_early || closing) return false;
  leave_connection(call);
  call.must_wait = true;
  take_back(call);
  return true;
}

}  // namespace quoin::inline v0
