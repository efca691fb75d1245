// SPDX-License-Identifier: MIT
/// Server: what its owner calls, and its place on the loop. What happens on its connections is in
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
#include "server/server_impl.hpp"

namespace quoin::inline v0 {

Server::Server(Loop& loop, Tls tls, ServerConfig config)
    : impl_(std::make_unique<Impl>(loop, std::move(tls), std::move(config))) {}

Server::~Server() {
  impl_->stop();
  if (impl_->dispatching) {
    // One of our handlers is on the stack: what it runs on goes when it has returned.
    Loop& loop = impl_->loop;
    loop.post([doomed = std::move(impl_)] {});
  }
}

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
  if (const Result<> started = impl_->start(); !started) {
    return std::unexpected(started.error());
  }
  Result<Address> opened = open_socket(impl_->loop, *impl_, *wanted);
  if (opened) impl_->endpoint->set_capabilities(impl_->loop.backend().capabilities());
  return opened;
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

Result<> Server::set_tls(Tls tls) {
  if (!tls.is_server()) {
    return std::unexpected(Error{UsageError::invalid_argument, "a server needs a server's Tls"});
  }
  impl_->tls = tls;
  return impl_->endpoint ? impl_->endpoint->set_tls(std::move(tls)) : Result<>{};
}

void Server::on_tls_request(TlsHandler handler) { impl_->tls_answers.handler = std::move(handler); }

Result<> Server::set_token_secrets(std::vector<std::string> secrets) {
  if (impl_->endpoint) {
    return impl_->endpoint->set_token_secrets(std::move(secrets), impl_->loop.now());
  }
  impl_->config.quic.token_secrets = std::move(secrets);
  return {};
}

ServerStats Server::stats() const { return impl_->stats(); }

ServerStats Server::Impl::stats() const {
  ServerStats stats = counted;
  if (endpoint) stats.quic = endpoint->stats();
  return stats;
}

Server::Impl::Impl(Loop& on, Tls with, ServerConfig settings)
    : loop(on), tls(std::move(with)), config(std::move(settings)) {
  complete_for_http3(config.quic, config.h3);
  config.h3.extended_connect = true;  // routes decide what is done with it
}

Server::Impl::~Impl() { stop(); }

Result<> Server::Impl::start() {
  if (endpoint) return {};
  if (Result<> usable = h3::check_library(); !usable) return usable;
  Result<quic::Endpoint> made = quic::Endpoint::create(
      config.quic, tls, random_of(loop), [this](quic::Connection& connection) {
        return std::make_unique<h3::Session>(connection, config.h3);
      });
  if (!made) return std::unexpected(made.error());
  endpoint.emplace(std::move(*made));
  tls_answers.open(*endpoint);
  return {};
}

Result<Address> Server::Impl::adopt(int descriptor) {
  if (const Result<> started = start(); !started) return std::unexpected(started.error());
  Result<Address> adopted = adopt_socket(loop, *this, descriptor);
  if (adopted) endpoint->set_capabilities(loop.backend().capabilities());
  return adopted;
}

void Server::Impl::handle_relayed(const Datagram& datagram, bool from_older) {
  if (from_older) {
    route_back(datagram, relays, *endpoint, loop.now());
  } else {
    quoin::route(datagram, relays, *endpoint, loop.now());
  }
  wake_driver(loop, *this);
}

namespace {

/// How long a connection without a request is waited for when the server goes away. Its client
/// knows by then, unless it is gone itself, and then nothing would ever come back.
constexpr Duration idle_grace = std::chrono::seconds{1};
/// Clients that still read the end of a response are asked so often whether they are there.
constexpr Duration probe_interval = std::chrono::milliseconds{250};

}  // namespace

void Server::Impl::stop() noexcept {
  if (std::exchange(is_stopped, true)) return;
  if (shutdown_timer) loop.cancel(*shutdown_timer);
  if (idle_timer) loop.cancel(*idle_timer);
  tls_answers.close();
  if (endpoint) say_goodbye(*endpoint, loop);
  detach(loop, *this);
}

void Server::Impl::shut_down(Duration limit, std::move_only_function<void()> done) {
  const Time deadline = loop.now() + std::max(limit, Duration{});
  if (done) shutdown_done.push_back(std::move(done));
  if (!std::exchange(shutting_down, true)) {
    shutdown_deadline = deadline;
    if (endpoint) endpoint->stop_accepting();
    for (const auto& [id, connection] : connections) {
      if (!connection->exchanges.empty()) leave_to_client(*connection);
      if (h3::Session* const h3 = session(id)) h3->shutdown();
    }
    idle_timer = loop.after(std::min(limit, idle_grace), [this] { close_idle(); });
  }
  shutdown_deadline = std::min(shutdown_deadline, deadline);
  if (shutdown_timer) loop.cancel(*shutdown_timer);
  shutdown_timer = loop.after(shutdown_deadline - loop.now(), [this] {
    for (const auto& [id, connection] : connections) close(*connection);
    // Those that are still shaking hands have no session that could be drained.
    if (endpoint) {
      endpoint->for_each(
          [](quic::Connection& connection) { connection.close(Error{HttpError::no_error}); });
    }
    wake_driver(loop, *this);
  });
  attach(loop, *this);
  wake_driver(loop, *this);
}

void Server::Impl::leave_to_client(ServerConnection& connection) {
  quic::Connection* const quic = endpoint->find(connection.id);
  if (quic == nullptr || std::exchange(connection.left_to_client, true)) return;
  connection.heard = quic->stats().bytes_received;
  quic->set_keep_alive(probe_interval);
}

void Server::Impl::close_idle() {
  for (const auto& [id, connection] : connections) {
    const h3::Session* const h3 = session(id);
    const quic::Connection* const quic = endpoint->find(id);
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
  if (!connections.empty()) idle_timer = loop.after(idle_grace, [this] { close_idle(); });
  wake_driver(loop, *this);
}

void Server::Impl::close(ServerConnection& connection) {
  if (std::exchange(connection.closing, true)) return;
  if (quic::Connection* const quic = endpoint->find(connection.id)) {
    quic->close(Error{HttpError::no_error});
  }
}

void Server::Impl::close_drained() {
  bool all_closed = true;
  for (const auto& [id, connection] : connections) {
    const h3::Session* const h3 = session(id);
    if (h3 != nullptr && h3->is_drained() && connection->exchanges.empty() &&
        !connection->left_to_client) {
      close(*connection);
    }
    all_closed = all_closed && (connection->closing || h3 == nullptr);
  }
  if (endpoint && loop.now() < shutdown_deadline && endpoint->stats().handshakes != 0) return;
  if (!all_closed || shutdown_done.empty()) return;
  // What says goodbye is sent at the end of this turn.
  if (shutdown_timer) loop.cancel(*shutdown_timer);
  shutdown_timer = loop.after(Duration{}, [this] {
    auto all = std::exchange(shutdown_done, {});
    for (auto& done : all) {
      auto call = std::move(done);
      call();
    }
  });
}

}  // namespace quoin::inline v0
