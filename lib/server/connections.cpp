// SPDX-License-Identifier: MIT
/// Handles a server's connections: turns session events into exchanges, calls handlers, and ends
/// what took too long.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/handle.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/time.hpp>

#include "base/access.hpp"
#include "http/connection_number.hpp"
#include "http/date.hpp"
#include "http/endpoint.hpp"
#include "http/host_name.hpp"
#include "http/quic_numbers.hpp"
#include "loop/call_in_place.hpp"
#include "loop/endpoint_driver.hpp"
#include "message/status.hpp"
#include "server/exchange.hpp"
#include "server/server_impl.hpp"

namespace quoin::inline v0 {
namespace {

// How precisely stream time limits are enforced; each check costs one step per stream.
constexpr Duration sweep_interval = std::chrono::milliseconds{500};
// For requests already on their way when their client was told to leave.
constexpr Duration time_to_leave = std::chrono::seconds{5};

}  // namespace

void Server::Impl::handle_datagram(const Datagram& datagram, Time now) {
  if (relays.any()) {
    quoin::route(datagram, relays, *endpoint, now);
  } else {
    EndpointDriver::handle_datagram(datagram, now);
  }
}

h3::Session* Server::Impl::session(ConnectionNumber connection) noexcept {
  const auto found = connections.find(connection);
  return found == connections.end() ? nullptr : session_on(*found->second);
}

quic::Connection* Server::Impl::quic_of(const ServerConnection& connection) noexcept {
  return endpoint->find(connection.key);
}

h3::Session* Server::Impl::session_on(const ServerConnection& connection) noexcept {
  return session_of(*endpoint, connection.key);
}

void Server::Impl::want_work(const Handle& exchange) {
  work.push_back(exchange);
  nudge();
}

std::string_view Server::Impl::date() const {
  if (!config.wall_clock) return {};
  std::chrono::system_clock::time_point time;
  if (run_guarded(loop, "ServerConfig::wall_clock", [&] { time = config.wall_clock(); })) return {};
  const auto second = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  if (date_text.empty() || second != date_second) {
    date_second = second;
    date_text = format_http_date(second);
  }
  return date_text;
}

Time Server::Impl::now() const noexcept { return loop.now(); }

const bool& Server::Impl::stopped() const noexcept { return is_stopped; }

Headers& Server::Impl::spare_headers() noexcept { return spare_fields; }

void Server::Impl::run_handlers(Time now) {
  serve_ready();
  do_work();
  // None of these is due if a handler has stopped the server.
  if (timers.take(Deadline::sweep)) sweep(now);
  if (timers.take(Deadline::idle)) retire_idle(now);
  if (timers.take(Deadline::grace)) close_idle();
  if (timers.take(Deadline::shutdown)) close_all();
  if (shutting_down && !is_stopped) close_drained();
  // Before anything is sent: the figures include whatever a client has seen.
  if (board != nullptr) board->write(stats());
}

ServerConnection* Server::Impl::connection_of(quic::ConnectionKey key) {
  ConnectionNumber& number = numbers[key];
  if (number != ConnectionNumber::none) {
    const auto found = connections.find(number);
    return found == connections.end() ? nullptr : found->second.get();
  }
  number = ConnectionNumber{++last_number};
  auto made = std::make_unique<ServerConnection>();
  made->number = number;
  made->key = key;
  made->resets_left = 2.0 * static_cast<double>(config.resets_per_second);
  made->resets_counted = loop.now();
  return connections.emplace(number, std::move(made)).first->second.get();
}

void Server::Impl::serve(quic::ConnectionKey key) {
  h3::Session* const h3 = session_of(*endpoint, key);
  if (h3 == nullptr) return;
  ServerConnection* const known = connection_of(key);
  if (known == nullptr) return;
  ServerConnection& connection = *known;
  const std::uint64_t dropped = h3->datagrams_dropped();
  counted.datagrams_dropped += dropped - std::exchange(connection.datagrams_dropped, dropped);
  while (!is_stopped) {
    std::optional<h3::Event> event = h3->poll_event();
    if (!event) return;
    const bool last = event->type == h3::Event::Type::disconnected;
    handle(connection, *event);
    if (last) return;
  }
}

void Server::Impl::handle(ServerConnection& connection, h3::Event& event) {
  using Type = h3::Event::Type;
  switch (event.type) {
    case Type::connected:
      handle_connected(connection);
      break;
    case Type::headers:
      handle_request(connection, event);
      break;
    case Type::disconnected:
      handle_disconnected(connection, event.error);
      break;
    case Type::closed:
      end_exchange(connection, event.stream, event.error);
      break;
    case Type::path:
      if (quic::Connection* const quic = quic_of(connection); quic && on_path) {
        call_in_place(loop, "Server::on_path", on_path, describe(*quic, connection.number, {}),
                      event.path);
      }
      break;
    case Type::informational:
    case Type::goaway:
    case Type::streams_available:
    case Type::resumable:
    case Type::early_data_rejected:
      break;
    case Type::trailers:
    case Type::datagram:
    case Type::data:
    case Type::writable:
    case Type::reset:
    case Type::stop_sending:
      handle_stream(connection, event);
      break;
  }
}

void Server::Impl::handle_connected(ServerConnection& connection) {
  quic::Connection* const quic = quic_of(connection);
  if (quic == nullptr) return;
  note_idle(connection);
  if (shutting_down) session_on(connection)->shutdown();
  if (!on_connected) return;
  call_in_place(loop, "Server::on_connected", on_connected, describe(*quic, connection.number, {}));
}

void Server::Impl::handle_disconnected(ServerConnection& connection, const Error& reason) {
  while (const Exchange* const exchange = is_stopped ? nullptr : connection.exchanges.any()) {
    end_exchange(connection, exchange->id, reason);
  }
  if (is_stopped) return;
  const auto node = connections.extract(connection.number);
  if (quic::Connection* const quic = quic_of(connection); quic != nullptr && on_disconnected) {
    ConnectionInfo info = describe(*quic, connection.number, {});
    info.reason = reason;
    call_in_place(loop, "Server::on_disconnected", on_disconnected, info);
  }
}

void Server::Impl::handle_request(ServerConnection& connection, h3::Event& event) {
  ++counted.requests;
  if (shutting_down) leave_to_client(connection);
  auto made =
      std::make_unique<Exchange>(*this, connection.number, event.stream, std::move(event.headers));
  made->set_early(event.early);
  Exchange& exchange = connection.exchanges.add(std::move(made));
  ++counted.open_requests;
  timers.set_at_latest(Deadline::sweep, loop.now() + sweep_interval);
  call_handler(exchange);
}

void Server::Impl::call_handler(Exchange& exchange) {
  const std::string_view target = exchange.target();
  // CONNECT names another host and has no path (RFC 9114 §4.4).
  const bool is_connect = exchange.method() == "CONNECT" && target.empty();
  if (!is_connect && !exchange.is_well_directed()) {
    answer_in_words(exchange, status::misdirected_request);
    return;
  }
  if (exchange.is_early() && !config.early_unsafe && !is_safe_method(exchange.method())) {
    ++counted.too_early;
    answer_in_words(exchange, status::too_early);
    return;
  }
  Match match = is_connect ? router.find("CONNECT", "/")
                           : router.find(exchange.method(), target.substr(0, target.find('?')),
                                         host_of(exchange.authority()));
  // Answering an extended CONNECT with a page would open a tunnel.
  const bool is_tunnel = exchange.request().get(":protocol").has_value();
  if (!match.handler && match.allow.empty() && !is_tunnel) match.handler = fallback;
  if (!match.handler) {
    answer_without_handler(exchange, match.allow);
    return;
  }
  exchange.set_parameters(std::move(match.parameters));
  const Handle handle = exchange.handle();
  const auto request = detail::named<Request>(handle);
  const auto response = detail::named<Response>(handle);
  const char* const where = match.handler == fallback ? "Server::fallback" : "Server::route";
  const auto thrown = run_guarded(loop, where, [&] { (*match.handler)(request, response); });
  if (thrown && !is_stopped) response.fail(message_of(thrown));
}

void Server::Impl::answer_without_handler(Exchange& exchange, const std::string& allow) {
  const int code = allow.empty() ? status::not_found : status::method_not_allowed;
  if (!allow.empty()) exchange.add_header("allow", allow);
  answer_in_words(exchange, code);
}

void Server::Impl::answer_in_words(Exchange& exchange, int status) {
  exchange.set_status(status);
  exchange.add_header("content-type", "text/plain; charset=utf-8");
  exchange.end(SharedBytes{status_line(status)});
}

void Server::Impl::handle_stream(ServerConnection& connection, h3::Event& event) {
  Exchange* const found = connection.exchanges.find(event.stream);
  if (found == nullptr) return;
  Exchange& exchange = *found;
  switch (event.type) {
    case h3::Event::Type::trailers:
      exchange.set_request_trailers(std::move(event.headers));
      break;
    case h3::Event::Type::datagram:
      exchange.handle_datagram(event.datagram);
      break;
    case h3::Event::Type::data:
      exchange.work();
      break;
    case h3::Event::Type::writable:
      exchange.handle_writable();
      break;
    case h3::Event::Type::reset:
      exchange.handle_reset(event.error);
      break;
    case h3::Event::Type::stop_sending:
      exchange.handle_stop_sending(event.error);
      break;
    default:
      break;
  }
}

void Server::Impl::end_exchange(ServerConnection& connection, quic::StreamId stream,
                                const Error& error) {
  const Exchange* const found = connection.exchanges.find(stream);
  if (found == nullptr) return;
  const std::unique_ptr<Exchange> over = connection.exchanges.take(*found);
  --counted.open_requests;
  Exchange& exchange = *over;
  const Address peer = exchange.peer();
  const Outcome outcome = exchange.finish(error);
  counted.body_bytes_sent += outcome.bytes_sent;
  counted.body_bytes_received += outcome.bytes_received;
  ++(outcome.error ? counted.requests_failed : counted.responses);
  if (exchange.was_given_up()) count_reset(connection);
  note_idle(connection);
  if (on_access && !is_stopped) {
    call_in_place(loop, "Server::on_access", on_access,
                  Access{.connection = std::to_underlying(connection.number),
                         .peer = peer,
                         .method = exchange.method(),
                         .target = exchange.target(),
                         .authority = exchange.authority(),
                         .headers = exchange.request(),
                         .outcome = outcome});
  }
}

void Server::Impl::count_reset(ServerConnection& connection) {
  const auto rate = static_cast<double>(config.resets_per_second);
  const std::chrono::duration<double> passed = loop.now() - connection.resets_counted;
  connection.resets_counted = loop.now();
  connection.resets_left = std::min(connection.resets_left + passed.count() * rate, 2 * rate);
  connection.resets_left -= 1;
  if (connection.resets_left >= 0 || connection.closing) return;
  connection.closing = true;
  ++counted.excessive_resets;
  if (quic::Connection* const quic = quic_of(connection)) {
    quic->close(Error{HttpError::excessive_load, "too many requests were given up"});
  }
}

void Server::Impl::do_work() {
  // Work requested meanwhile is for the next round: wake_driver() has been called for it.
  working.clear();
  working.swap(work);
  for (const Handle& handle : working) {
    if (is_stopped) return;
    if (auto* const exchange = resolve_as<Exchange>(handle)) exchange->work();
  }
}

void Server::Impl::sweep(Time now) {
  const TimeLimits limits{.response = config.response_timeout,
                          .idle = config.stream_idle_timeout,
                          .whole = config.request_timeout};
  for (const auto& [number, connection] : connections) {
    connection->exchanges.for_each([&](Exchange& exchange) {
      timers.set(Deadline::sweep, now + sweep_interval);
      if (exchange.handle_silence(now, limits)) ++counted.timeouts;
    });
  }
}

void Server::Impl::note_idle(ServerConnection& connection) {
  if (!connection.exchanges.empty()) return;
  connection.idle_since = loop.now();
  if (config.idle_connection_timeout <= Duration{}) return;
  const Duration allowed = connection.retiring ? time_to_leave : config.idle_connection_timeout;
  timers.set_at_latest(Deadline::idle, later(loop.now(), allowed));
}

// This checks all connections, so it runs no more often than the sweep for stalled requests.
void Server::Impl::retire_idle(Time now) {
  if (shutting_down) return;
  for (const auto& [number, connection] : connections) {
    h3::Session* const h3 = session_on(*connection);
    if (h3 == nullptr || connection->closing || !connection->exchanges.empty()) continue;
    Time due = later(connection->idle_since,
                     connection->retiring ? time_to_leave : config.idle_connection_timeout);
    if (due <= now && connection->retiring) {
      close(*connection);
      continue;
    }
    if (due <= now) {
      connection->retiring = true;
      connection->idle_since = now;
      ++counted.connections_idle;
      h3->shutdown();
      due = now + time_to_leave;
    }
    timers.set_at_latest(Deadline::idle, std::max(due, now + sweep_interval));
  }
}

}  // namespace quoin::inline v0
