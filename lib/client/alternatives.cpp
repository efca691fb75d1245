// SPDX-License-Identifier: MIT
/// Alternative services (RFC 7838): what replies say about them, when a client uses one, and the
/// fallback to the origin.
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <quoin/alt_svc.hpp>
#include <quoin/client.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/time.hpp>

#include "client/client_impl.hpp"
#include "http/endpoint.hpp"
#include "message/status.hpp"

namespace quoin::inline v0 {
namespace {

// Origins name the same service in each reply, even one that cannot be reached from here.
constexpr Duration pause_after_failure = std::chrono::minutes{5};

bool is_same_place(const std::optional<AltService>& a, const std::optional<AltService>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->host == b->host && a->port == b->port;
}

// All fields with that name, as one list (RFC 9110 §5.3).
std::string joined(const Headers& headers, std::string_view name) {
  std::string all;
  for (const Field& field : headers) {
    if (field.name != name) continue;
    if (!all.empty()) all += ", ";
    all += field.value;
  }
  return all;
}

Duration age_of(const Headers& headers) {
  const std::string_view text = headers.get("age").value_or("");
  std::uint32_t seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::chrono::seconds{seconds};
}

}  // namespace

std::optional<AltService> Client::Impl::alternative_of(const Origin& origin) const {
  if (!config.alternatives) return std::nullopt;
  std::optional<AltService> found = alternatives.find(origin.host, origin.port, "h3", loop.now());
  const bool is_itself = found && found->host == origin.host && found->port == origin.port;
  return is_itself ? std::nullopt : found;
}

// What the reply says about its origin. New requests go to the place that is best now; those
// under way stay where they are.
void Client::Impl::learn_alternatives(ClientCall& call, int status, const Headers& headers) {
  if (!config.alternatives || !headers.get("alt-svc")) return;
  if (status == status::misdirected_request) return;
  const auto found = connections.find(call.connection);
  if (found == connections.end()) return;
  const quic::Connection* const quic = quic_of(*found->second);
  Origin& origin = *call.origin;
  // RFC 7838 §2.1: only from a server proven to be the origin.
  if (quic == nullptr || !quic->serves(origin.host)) return;
  const Result<> known = alternatives.handle_header(
      origin.host, origin.port, joined(headers, "alt-svc"), loop.now(), age_of(headers));
  if (!known || origin.current != call.connection) return;
  if (is_same_place(alternative_of(origin), origin.current_place)) return;
  ClientConnection& connection = *found->second;
  if (connection.origin == &origin && connection.guests.empty()) {
    drain(connection);
  } else {
    origin.current.reset();
  }
}

// The alternative has failed or is slow: also try the host itself, in parallel.
void Client::Impl::fall_back(Origin& origin) {
  set_aside(origin, *origin.place);
  origin.place.reset();
  origin.failure.reset();
  origin.addresses.clear();
  origin.next_address = 0;
  look_up(origin);
}

// True if the attempt that ended ran beside one to the host itself, about which it says nothing.
bool Client::Impl::fail_alternative(const ClientConnection& connection) {
  Origin& origin = *connection.origin;
  if (!connection.alternative || origin.place) return false;
  ++counted.connections_failed;
  origin.attempt_wanted = !origin.resolving;
  mark(origin);
  return true;
}

void Client::Impl::set_aside(const Origin& origin, const AltService& service) {
  ++counted.alternatives_failed;
  alternatives.set_aside(origin.host, origin.port, service, loop.now() + pause_after_failure);
}

// An alternative may lack the ticket keys, and what one server gave must not be shown to another.
std::string Client::Impl::session_key(const ClientConnection& connection) {
  const auto& alternative = connection.alternative;
  if (!alternative) return connection.origin->key;
  return connection.origin->key + " at " + alternative->host + ':' +
         std::to_string(alternative->port);
}

}  // namespace quoin::inline v0
