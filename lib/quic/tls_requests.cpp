// SPDX-License-Identifier: MIT
/// Connections that wait for certificates and signatures, and the answers of the endpoint's owner.
#include "quic/tls_requests.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <string_view>

#include <ngtcp2/ngtcp2.h>

#include "quic/connection_impl.hpp"
#include "quic/endpoint/endpoint_impl.hpp"

namespace quoin::inline v0::quic {
namespace {

/// The longest delay that a peer expects of acknowledgements (RFC 9000 §18.2, max_ack_delay).
constexpr Duration max_hold = std::chrono::milliseconds{25};

Error stale() { return {UsageError::stale_handle, "the handshake no longer waits for this"}; }

}  // namespace

bool Connection::Impl::begin_wait(TlsRequest& request) {
  TlsRequests& all = shared.tls_requests;
  if (all.waiting >= shared.config.max_tls_requests) {
    constexpr std::uint64_t internal_error = 80;  // RFC 8446 §6
    ++all.refused;
    session.fail({Error::Domain::tls, internal_error, "quic::Config::max_tls_requests"});
    return false;
  }
  ++all.waiting;
  request.id = {.slot = id.slot, .generation = id.generation, .number = ++all.made};
  all.unseen.push_back(request.id);
  waits_since = last_now;
  return true;
}

void Connection::Impl::stop_waiting() noexcept {
  const TlsRequest* const request = session.waits_for();
  if (request == nullptr) return;
  --shared.tls_requests.waiting;
  std::erase(shared.tls_requests.unseen, request->id);
  session.stop_waiting();
}

bool Connection::Impl::awaits(const TlsRequestId& request) const noexcept {
  const TlsRequest* const own = session.waits_for();
  return own != nullptr && own->id == request && state == State::handshaking && !close_wanted;
}

std::optional<Time> Connection::Impl::held_until() const noexcept {
  if (session.waits_for() == nullptr || close_wanted || last_now >= waits_since + max_hold) {
    return std::nullopt;
  }
  return waits_since + max_hold;
}

void Connection::Impl::resume_handshake(Time now) {
  last_now = now;
  stop_waiting();
  const int result = ngtcp2_conn_continue_handshake(conn.get(), quic::to_ngtcp2(now));
  if (result != 0 && !close_wanted) {
    handle_read_error(result, now);
  }
  watch_flight(now);
}

Connection::Impl* Endpoint::Impl::find_waiting(const TlsRequestId& request) noexcept {
  if (request.slot >= slots.size()) return nullptr;
  Connection::Impl* const found = slots[request.slot].connection.get();
  return found != nullptr && found->awaits(request) ? found : nullptr;
}

void Endpoint::Impl::resume(Connection::Impl& connection, Time now) {
  connection.resume_handshake(now);
  mark_writable(connection.id.slot);
  if (connection.is_over()) {
    update_timer(connection);
  }
}

std::optional<TlsRequest> Endpoint::poll_tls_request() {
  std::deque<TlsRequestId>& unseen = impl_->tls_requests.unseen;
  while (!unseen.empty()) {
    const TlsRequestId id = unseen.front();
    unseen.pop_front();
    if (Connection::Impl* const connection = impl_->find_waiting(id)) {
      return connection->session.take_request();
    }
  }
  return std::nullopt;
}

bool Endpoint::awaits(const TlsRequestId& request) const noexcept {
  return impl_->find_waiting(request) != nullptr;
}

Result<> Endpoint::give_certificate(const TlsRequestId& request, const Tls& tls, Time now) {
  Connection::Impl* const connection = impl_->find_waiting(request);
  if (connection == nullptr) return std::unexpected(stale());
  if (auto given = connection->session.give_certificate(tls); !given) return given;
  impl_->resume(*connection, now);
  return {};
}

Result<> Endpoint::give_signature(const TlsRequestId& request, Bytes signature, Time now) {
  Connection::Impl* const connection = impl_->find_waiting(request);
  if (connection == nullptr) return std::unexpected(stale());
  if (auto given = connection->session.give_signature(signature); !given) return given;
  impl_->resume(*connection, now);
  return {};
}

Result<> Endpoint::refuse(const TlsRequestId& request, std::string_view why) {
  Connection::Impl* const connection = impl_->find_waiting(request);
  if (connection == nullptr) return std::unexpected(stale());
  const Error reason = connection->session.refusal(why);
  ++impl_->tls_requests.refused;
  connection->stop_waiting();
  connection->is_reason_ours = true;
  connection->close(reason);
  return {};
}

}  // namespace quoin::inline v0::quic
