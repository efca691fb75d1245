// SPDX-License-Identifier: MIT
/// Server: the calls of its owner, and its place on the loop. Connections are handled in
/// connections.cpp.
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/server.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "h3/library.hpp"
#include "http/endpoint.hpp"
#include "loop/driver.hpp"
#include "loop/endpoint_driver.hpp"
#include "server/server_impl.hpp"

namespace quoin::inline v0 {

Server::Server(Loop& loop, Tls tls, ServerConfig config)
    : impl_(std::make_unique<Impl>(loop, std::move(tls), std::move(config))) {}

Server::~Server() { EndpointDriver::retire(std::move(impl_)); }

Server& Server::route(std::string_view method, std::string_view pattern, Handler handler) {
  impl_->router.add(method, pattern, std::move(handler));
  return *this;
}

Server& Server::get(std::string_view pattern, Handler handler) {
  return route("GET", pattern, std::move(handler));
}

Server& Server::post(std::string_view pattern, Handler handler) {
  return route("POST", pattern, std::move(handler));
}

Server& Server::put(std::string_view pattern, Handler handler) {
  return route("PUT", pattern, std::move(handler));
}

Server& Server::del(std::string_view pattern, Handler handler) {
  return route("DELETE", pattern, std::move(handler));
}

Server& Server::fallback(Handler handler) {
  impl_->fallback = std::make_shared<Handler>(std::move(handler));
  return *this;
}

Result<Address> Server::listen(std::string_view address) {
  const Result<Address> wanted = Address::parse(address);
  if (!wanted) return std::unexpected(wanted.error());
  return impl_->open(*wanted);
}

void Server::shutdown(Duration limit, std::move_only_function<void()> done) {
  impl_->shut_down(limit, std::move(done));
}

void Server::on_access(std::move_only_function<void(const Access&)> log) {
  impl_->on_access = std::move(log);
}

void Server::on_connected(std::move_only_function<void(const ConnectionInfo&)> log) {
  impl_->on_connected = std::move(log);
}

void Server::on_disconnected(std::move_only_function<void(const ConnectionInfo&)> log) {
  impl_->on_disconnected = std::move(log);
}

void Server::on_path(
    std::move_only_function<void(const ConnectionInfo&, const quic::PathEvent&)> log) {
  impl_->on_path = std::move(log);
}

Result<> Server::set_tls(Tls tls) { return impl_->set_tls(std::move(tls)); }

void Server::on_tls_request(TlsHandler handler) { impl_->tls_answers.handler = std::move(handler); }

Result<> Server::set_token_secrets(std::vector<std::string> secrets) {
  return impl_->set_token_secrets(std::move(secrets));
}

ServerStats Server::stats() const { return impl_->stats(); }

ServerStats Server::Impl::stats() const {
  ServerStats stats = counted;
  if (endpoint) stats.quic = endpoint->stats();
  return stats;
}

Server::Impl::Impl(Loop& on, Tls with, ServerConfig settings)
    : EndpointDriver(on, Role::server, std::move(with), Error{HttpError::no_error}),
      config(std::move(settings)) {
  complete_for_http3(config.quic, config.h3);
  config.h3.extended_connect = true;  // routes decide how to handle it
}

Server::Impl::~Impl() { stop(); }

quic::Config& Server::Impl::quic_config() noexcept { return config.quic; }

Result<> Server::Impl::check() { return h3::check_library(); }

quic::Acceptor Server::Impl::acceptor() {
  return [this](quic::Connection& connection) {
    return std::make_unique<h3::Session>(connection, config.h3);
  };
}

void Server::Impl::handle_relayed(const Datagram& datagram, bool from_older) {
  if (from_older) {
    route_back(datagram, relays, *endpoint, loop.now());
  } else {
    quoin::route(datagram, relays, *endpoint, loop.now());
  }
  nudge();
}

namespace {

/// How long to wait for a connection without a request when the server shuts down. Its client
/// knows by then, unless it is gone itself and would never answer.
constexpr Duration idle_grace = std::chrono::seconds{1};
/// How often to check that clients still reading the end of a response are there.
constexpr Duration probe_interval = std::chrono::milliseconds{250};

}  // namespace

void Server::Impl::handle_stop() noexcept {
  for (const auto& [number, connection] : connections) {
    connection->exchanges.for_each([](Exchange& exchange) { exchange.abandon(); });
  }
}

void Server::Impl::shut_down(Duration limit, std::move_only_function<void()> done) {
  const Time deadline = later(loop.now(), limit);
  call_when_ended("Server::shutdown", std::move(done));
  if (!std::exchange(shutting_down, true)) {
    shutdown_deadline = deadline;
    if (endpoint) endpoint->stop_accepting();
    for (const auto& [number, connection] : connections) {
      if (!connection->exchanges.empty()) leave_to_client(*connection);
      if (h3::Session* const h3 = session_on(*connection)) h3->shutdown();
    }
    timers.set(Deadline::grace, later(loop.now(), std::min(limit, idle_grace)));
  }
  shutdown_deadline = std::min(shutdown_deadline, deadline);
  timers.set(Deadline::shutdown, shutdown_deadline);
  attach(loop, *this);
  nudge();
}

void Server::Impl::close_all() {
  for (const auto& [number, connection] : connections) close(*connection);
  // Connections still in the handshake have no session to drain.
  if (endpoint) {
    endpoint->for_each(
        [](quic::Connection& connection) { connection.close(Error{HttpError::no_error}); });
  }
}

void Server::Impl::leave_to_client(ServerConnection& connection) {
  quic::Connection* const quic = quic_of(connection);
  if (quic == nullptr || std::exchange(connection.left_to_client, true)) return;
  connection.heard = quic->stats().bytes_received;
  quic->set_keep_alive(probe_interval);
}

void Server::Impl::close_idle() {
  for (const auto& [number, connection] : connections) {
    const h3::Session* const h3 = session_on(*connection);
    const quic::Connection* const quic = quic_of(*connection);
    if (h3 == nullptr || quic == nullptr) continue;
    const std::uint64_t heard = std::exchange(connection->heard, quic->stats().bytes_received);
    const bool is_there = connection->left_to_client && connection->heard != heard;
    if (h3->open_streams() == 0 && connection->exchanges.empty() && !is_there) close(*connection);
  }
  if (endpoint) {
    endpoint->for_each([](quic::Connection& connection) {
      if (connection.state() == quic::State::handshaking) {
        connection.close(Error{HttpError::no_error});
      }
    });
  }
  if (!connections.empty()) timers.set(Deadline::grace, later(loop.now(), idle_grace));
}

void Server::Impl::close(ServerConnection& connection) {
  if (std::exchange(connection.closing, true)) return;
  if (quic::Connection* const quic = quic_of(connection)) {
    quic->close(Error{HttpError::no_error});
  }
}

void Server::Impl::close_drained() {
  bool all_closed = true;
  for (const auto& [number, connection] : connections) {
    const h3::Session* const h3 = session_on(*connection);
    if (h3 != nullptr && h3->is_drained() && connection->exchanges.empty() &&
        !connection->left_to_client) {
      close(*connection);
    }
    all_closed = all_closed && (connection->closing || h3 == nullptr);
  }
  if (endpoint && loop.now() < shutdown_deadline && endpoint->stats().handshakes != 0) return;
  if (all_closed && is_end_awaited()) say_all_ended();
}

}  // namespace quoin::inline v0
