// SPDX-License-Identifier: MIT
/// From a URL to a connection: hosts, look-ups, and addresses tried in turn.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/alt_svc.hpp>
#include <quoin/client.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/handle.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/time.hpp>
#include <quoin/url.hpp>

#include "base/mapped_address.hpp"
#include "client/client_impl.hpp"
#include "client/resolver.hpp"
#include "h3/library.hpp"
#include "http/connection_number.hpp"
#include "http/endpoint.hpp"
#include "http/quic_numbers.hpp"
#include "loop/call_in_place.hpp"
#include "loop/driver.hpp"

namespace quoin::inline v0 {
namespace {

std::string with_context(const std::string& context, const Error& error) {
  return error.detail().empty() ? context : context + ": " + std::string{error.detail()};
}

// The server was reached but is not the right one: its other addresses are no better.
bool is_definitive(const Error& error) {
  return error.domain() == Error::Domain::tls || error == Error{LocalError::certificate_name} ||
         error == Error{LocalError::certificate_expired} ||
         error == Error{LocalError::certificate_untrusted} ||
         error == Error{LocalError::certificate_invalid} ||
         error == Error{LocalError::certificate_pin};
}

// RFC 8305 §4: the families alternate, beginning with the resolver's preferred one, so that a
// dead family costs one delay rather than one per address.
std::vector<Address> interleaved(std::vector<Address> addresses) {
  constexpr std::size_t most = 16;
  std::vector<Address> mixed;
  mixed.reserve(std::min(addresses.size(), most));
  while (!addresses.empty() && mixed.size() < most) {
    const auto wanted = [&](const Address& address) {
      return mixed.empty() || address.is_ipv4() != mixed.back().is_ipv4();
    };
    auto next = std::ranges::find_if(addresses, wanted);
    if (next == addresses.end()) next = addresses.begin();
    mixed.push_back(*next);
    addresses.erase(next);
  }
  return mixed;
}

bool is_silence(const Error& error) { return error == Error{LocalError::no_answer}; }

}  // namespace

Result<> Client::Impl::check() {
  if (Result<> usable = h3::check_library(); !usable) return usable;
  if (config.connect_timeout <= Duration{}) {
    return std::unexpected(
        Error{UsageError::invalid_argument, "ClientConfig::connect_timeout must be more than 0"});
  }
  if (config.attempt_delay <= Duration{} || config.max_connections == 0 ||
      config.max_requests == 0 || config.max_alternatives == 0) {
    return std::unexpected(Error{
        UsageError::invalid_argument,
        "ClientConfig::attempt_delay, max_connections, max_requests and max_alternatives must be "
        "more than 0"});
  }
  return {};
}

// A socket of the remote address's family.
Result<Address> Client::Impl::local_for(const Address& remote) {
  const auto fits = [&](const Address& local) { return local.is_ipv4() == remote.is_ipv4(); };
  // Latest first: migrate() wants new connections to start there.
  const auto latest = std::ranges::find_if(sockets.rbegin(), sockets.rend(), fits);
  if (latest != sockets.rend()) return *latest;
  Address wanted = config.local;
  if (wanted.is_none()) {
    wanted = any_address(remote.is_ipv4());
  } else if (!fits(wanted)) {
    return std::unexpected(Error{Error::Domain::system, EAFNOSUPPORT,
                                 remote.host() + " cannot be reached from " + wanted.host()});
  }
  Result<Address> opened = open(wanted);
  if (opened) sockets.push_back(*opened);
  return opened;
}

Origin& Client::Impl::origin_of(const Url& url) {
  const std::string key = url.host + ':' + std::to_string(url.port);
  std::unique_ptr<Origin>& place = origins[key];
  if (!place) {
    place = std::make_unique<Origin>();
    place->key = key;
    place->host = url.host;
    place->port = url.port;
    place->is_address = url.host_is_address;
  }
  return *place;
}

void Client::Impl::mark(Origin& origin) {
  if (!std::exchange(origin.dirty, true)) dirty.push_back(&origin);
  wake_driver(loop, *this);
}

void Client::Impl::release(Origin& origin) {
  --origin.users;
  if (origin.users == 0) mark(origin);
}

void Client::Impl::advance_all() {
  advancing.clear();
  advancing.swap(dirty);
  for (Origin* const origin : advancing) {
    if (is_stopped) return;
    origin->dirty = false;
    advance(*origin);
  }
}

void Client::Impl::advance(Origin& origin) {
  if (origin.users == 0 && !origin.connecting) {
    origins.erase(std::string{origin.key});
    return;
  }
  if (origin.connecting) {
    if (std::exchange(origin.overdue, false)) {
      handle_overdue(origin);
    } else if (std::exchange(origin.attempt_wanted, false)) {
      try_next(origin);
    }
    for (const ConnectionNumber number : origin.attempts) {
      const auto attempt = connections.find(number);
      if (attempt != connections.end()) send_early(origin, *attempt->second);
    }
    return;
  }
  if (origin.waiting.empty()) return;
  if (!origin.current) {
    if (has_capacity()) {
      begin_connecting(origin);
    } else if (!std::exchange(origin.starved, true)) {
      starved.push_back(origin.key);
    }
    return;
  }
  const auto found = connections.find(*origin.current);
  if (found != connections.end()) send_waiting(origin, *found->second);
}

void Client::Impl::send_waiting(Origin& origin, ClientConnection& connection) {
  while (!origin.waiting.empty() && !is_stopped) {
    ClientCall& call = *origin.waiting.front();
    const Result<> sent = send(call, connection);
    if (sent) {
      origin.waiting.pop_front();
      continue;
    }
    if (sent.error() == Error{UsageError::limit_reached}) return;  // until streams_available
    if (sent.error() == Error{LocalError::connection_draining} ||
        sent.error() == Error{UsageError::closed}) {
      drain(connection);
      return;
    }
    finish(call, std::unexpected(sent.error()));
  }
}

void Client::Impl::begin_connecting(Origin& origin) {
  origin.connecting = true;
  origin.overdue = false;
  origin.attempt_wanted = false;
  origin.failure.reset();
  origin.addresses.clear();
  origin.next_address = 0;
  origin.deadline = loop.now() + config.connect_timeout;
  origin.place = alternative_of(origin);
  look_up(origin);
}

// The addresses of the place that attempts currently go to.
void Client::Impl::look_up(Origin& origin) {
  const std::string host = origin.place ? origin.place->host : origin.host;
  const std::uint16_t port = origin.place ? origin.place->port : origin.port;
  origin.resolving = true;
  const auto fixed = overrides.find(host + ':' + std::to_string(port));
  if (fixed != overrides.end()) {
    handle_addresses(origin.key, origin.place, std::vector{fixed->second});
  } else if (Result<Address> address = Address::parse_host(host, port)) {
    handle_addresses(origin.key, origin.place, std::vector{*address});
  } else if (origin.is_address && !origin.place) {
    handle_addresses(origin.key, origin.place, std::unexpected(address.error()));
  } else {
    ask_resolver(origin, host, port);
  }
}

void Client::Impl::ask_resolver(Origin& origin, const std::string& host, std::uint16_t port) {
  set_timer(origin, origin.place ? config.attempt_delay : origin.deadline - loop.now());
  if (!config.resolver) config.resolver = system_resolver(loop);
  const Handle self = owner.handle();
  const auto thrown = run_guarded(loop, "ClientConfig::resolver", [&] {
    config.resolver(
        host, port,
        [self, key = origin.key, place = origin.place](Result<std::vector<Address>> addresses) {
          auto* const client = resolve_as<Client::Impl>(self);
          if (client != nullptr) client->handle_addresses(key, place, std::move(addresses));
        });
  });
  if (!thrown || is_stopped) return;
  handle_addresses(
      std::string{origin.key}, origin.place,
      std::unexpected(Error{LocalError::name_resolution, "the resolver: " + message_of(thrown)}));
}

void Client::Impl::handle_addresses(const std::string& key, const std::optional<AltService>& place,
                                    Result<std::vector<Address>> addresses) {
  const auto found = origins.find(key);
  // A look-up that timed out may still be answered.
  if (found == origins.end() || !found->second->connecting) return;
  Origin& origin = *found->second;
  if (!origin.resolving || origin.place != place) return;
  origin.resolving = false;
  origin.resolved_at = loop.now();
  origin.attempt_wanted = true;
  if (!addresses) {
    origin.failure = addresses.error();
  } else if (addresses->empty()) {
    origin.failure = Error{LocalError::name_resolution,
                           (place ? place->host : origin.host) + ": it has no address"};
  } else {
    std::ranges::transform(*addresses, addresses->begin(), unmapped);
    origin.addresses = interleaved(std::move(*addresses));
    origin.next_address = 0;
    if (join(origin)) return;
  }
  mark(origin);
}

void Client::Impl::try_next(Origin& origin) {
  while (origin.next_address < origin.addresses.size() && loop.now() < origin.deadline) {
    const Address address = origin.addresses[origin.next_address++];
    const Result<> begun = try_address(origin, address);
    if (begun) {
      const Duration left = origin.deadline - loop.now();
      const bool is_last = origin.next_address == origin.addresses.size() && !origin.place;
      set_timer(origin, is_last ? left : std::min(left, config.attempt_delay));
      call_in_place(loop, "Client::on_connecting", on_connecting, std::string_view{origin.key},
                    address);
      return;
    }
    if (!origin.failure) {
      origin.failure = Error{begun.error().domain(), begun.error().code(),
                             with_context(address.to_string(), begun.error())};
    }
  }
  if (origin.place && loop.now() < origin.deadline) {
    fall_back(origin);
  } else if (origin.attempts.empty()) {
    fail_origin(origin);
  } else {
    set_timer(origin, origin.deadline - loop.now());
  }
}

Result<> Client::Impl::try_address(Origin& origin, const Address& address) {
  const Result<Address> socket = local_for(address);
  if (!socket) return std::unexpected(socket.error());
  const Result<Address> source = source_for(*socket, address);
  if (!source) return std::unexpected(source.error());
  const Path path{.local = *source, .remote = address};
  quic::ConnectOptions options;
  auto connection = std::make_unique<ClientConnection>();
  connection->origin = &origin;
  connection->alternative = origin.place;
  options.resumption = sessions.take(session_key(*connection));
  options.early_data = std::ranges::any_of(
      origin.waiting, [this](const ClientCall* call) { return may_go_early(*call); });
  const Result<quic::ConnectionKey> key = endpoint->connect(
      path, origin.host,
      [this, &options](quic::Connection& quic) {
        auto session = std::make_unique<h3::Session>(quic, config.h3);
        session->assume_peer_settings(options.resumption.application_data());
        return session;
      },
      loop.now(), options);
  if (!key) return std::unexpected(key.error());
  const ConnectionNumber number{++last_number};
  numbers[*key] = number;
  connection->number = number;
  connection->key = *key;
  connection->address = address;
  connection->resuming = !options.resumption.empty();
  connection->early = endpoint->find(*key)->is_early();
  ClientConnection& begun = *connection;
  connections.insert_or_assign(number, std::move(connection));
  ++origin.users;
  origin.attempts.push_back(number);
  send_early(origin, begun);
  wake_driver(loop, *this);
  return {};
}

void Client::Impl::set_timer(Origin& origin, Duration delay) {
  if (origin.timer) timers.cancel(*origin.timer);
  origin.timer = after(delay, [this, &origin] {
    origin.timer.reset();
    origin.overdue = true;
    mark(origin);
  });
}

void Client::Impl::handle_overdue(Origin& origin) {
  if (origin.resolving) {
    origin.resolving = false;
    origin.failure =
        Error{LocalError::name_resolution, origin.host + ": the name servers did not answer"};
    try_next(origin);
    return;
  }
  if (loop.now() < origin.deadline) {
    try_next(origin);
    return;
  }
  const std::vector<ConnectionNumber> late = origin.attempts;
  for (const ConnectionNumber number : late) {
    const auto found = connections.find(number);
    if (found == connections.end() || is_stopped) continue;
    quic::Connection* const quic = quic_of(*found->second);
    const bool answered = quic != nullptr && quic->stats().packets_received != 0;
    const Error reason{answered ? LocalError::handshake_timeout : LocalError::no_answer};
    if (quic != nullptr) quic->close(Error{TransportError::no_error});
    handle_disconnected(*found->second, reason);
  }
  // They may have ended by themselves in the same turn as the timeout.
  if (!is_stopped && std::exchange(origin.attempt_wanted, false)) try_next(origin);
}

// Ends all attempts but one, without reporting them.
void Client::Impl::abandon_attempts(Origin& origin, ConnectionNumber winner) {
  for (const ConnectionNumber number : std::exchange(origin.attempts, {})) {
    if (number == winner) continue;
    ++counted.attempts_abandoned;
    const auto node = connections.extract(number);
    if (node.empty()) continue;
    if (quic::Connection* const quic = quic_of(*node.mapped())) {
      quic->close(Error{TransportError::no_error});
    }
    take_back_all(*node.mapped());
    release(origin);
  }
  wake_driver(loop, *this);
}

// The address that was being tried is no good.
void Client::Impl::fail_attempt(Origin& origin, const Error& reason) {
  ++counted.connections_failed;
  origin.attempt_wanted = true;
  // A timeout says least about what is wrong.
  if (!origin.failure || is_silence(*origin.failure)) origin.failure = reason;
  if (is_definitive(reason)) {
    origin.failure = reason;
    origin.next_address = origin.addresses.size();
    abandon_attempts(origin, ConnectionNumber::none);
  }
  mark(origin);
}

void Client::Impl::fail_origin(Origin& origin) {
  origin.connecting = false;
  if (origin.timer) timers.cancel(*std::exchange(origin.timer, std::nullopt));
  const Error reason = origin.failure.value_or(Error{LocalError::no_answer, origin.key});
  const std::deque<ClientCall*> waiting = std::exchange(origin.waiting, {});
  for (ClientCall* const call : waiting) finish(*call, std::unexpected(reason));
  feed_starved();
  if (origin.users == 0) mark(origin);
}

}  // namespace quoin::inline v0
