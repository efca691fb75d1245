// SPDX-License-Identifier: MIT
/// Client: what its owner calls, and its place on the loop. pool.cpp establishes connections;
/// connections.cpp and call.cpp handle what happens on them.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/alt_svc.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "base/handle.hpp"
#include "client/client_impl.hpp"
#include "http/endpoint.hpp"
#include "http/host_name.hpp"
#include "loop/driver.hpp"
#include "loop/endpoint_driver.hpp"

namespace quoin::inline v0 {

RequestBody::RequestBody(std::string text) : RequestBody(SharedBytes{std::move(text)}) {}

RequestBody::RequestBody(const char* text) : RequestBody(std::string{text}) {}

RequestBody::RequestBody(SharedBytes data) : size_(data.view().size()) {
  content_ = std::move(data);
}

RequestBody::RequestBody(Writer writer, std::optional<std::uint64_t> size) : size_(size) {
  content_ = std::move(writer);
}

void RequestBodyAccess::send(RequestBody& body, Outgoing& outgoing) {
  if (const auto* const data = std::get_if<SharedBytes>(&body.content_)) {
    outgoing.set(*data);
  } else if (auto* const writer = std::get_if<Writer>(&body.content_); writer && *writer) {
    outgoing.set(std::exchange(*writer, nullptr));
  } else {
    outgoing.set(SharedBytes{});
  }
}

void Call::resume() const {
  if (auto* const call = resolve_as<ClientCall>(handle_)) call->client.resume(*call);
}

void Call::prioritize(const Priority& priority) const {
  if (auto* const call = resolve_as<ClientCall>(handle_)) call->client.prioritize(*call, priority);
}

Result<> Call::send_datagram(Bytes data) const {
  auto* const call = resolve_as<ClientCall>(handle_);
  if (call == nullptr) return std::unexpected(Error{UsageError::stale_handle});
  return call->client.send_datagram(*call, data);
}

std::size_t Call::max_datagram_size() const {
  auto* const call = resolve_as<ClientCall>(handle_);
  return call == nullptr ? 0 : call->client.max_datagram_size(*call);
}

void Call::trailer(std::string_view name, std::string_view value) const {
  if (auto* const call = resolve_as<ClientCall>(handle_)) call->request.trailers.add(name, value);
}

void Call::cancel() const {
  if (auto* const call = resolve_as<ClientCall>(handle_)) {
    call->client.cancel(*call, Error{HttpError::request_cancelled, "cancelled by the caller"});
  }
}

Client::Client(Loop& loop, Tls tls, ClientConfig config)
    : impl_(std::make_unique<Impl>(loop, std::move(tls), std::move(config))) {}

Client::~Client() { EndpointDriver::retire(std::move(impl_)); }

Call Client::get(std::string_view url, Done done) {
  ClientRequest request;
  request.url = url;
  return this->request(std::move(request), std::move(done));
}

Call Client::request(ClientRequest request, Done done) {
  ClientCallbacks callbacks;
  callbacks.done = std::move(done);
  return impl_->begin(std::move(request), std::move(callbacks));
}

Call Client::request(ClientRequest request, ClientCallbacks callbacks) {
  return impl_->begin(std::move(request), std::move(callbacks));
}

Result<> Client::resolve(std::string_view host, std::uint16_t port, const Address& address) {
  const Result<std::string> normal = normal_host(host);
  if (!normal) return std::unexpected(normal.error());
  impl_->overrides.insert_or_assign(*normal + ':' + std::to_string(port), address.with_port(port));
  return {};
}

Result<> Client::migrate(const Address& new_local) { return impl_->migrate_to(new_local); }

std::string Client::save_sessions() const { return impl_->sessions.serialize(); }

Result<> Client::load_sessions(Bytes saved) { return impl_->sessions.merge(saved); }

AltSvcCache& Client::alternatives() noexcept { return impl_->alternatives; }

Result<> Client::network_changed() { return impl_->network_changed(); }

void Client::on_path(
    std::move_only_function<void(const ConnectionInfo&, const quic::PathEvent&)> log) {
  impl_->on_path = std::move(log);
}

void Client::shutdown(Duration limit, std::move_only_function<void()> done) {
  impl_->shutdown(limit, std::move(done));
}

void Client::on_connected(std::move_only_function<void(const ConnectionInfo&)> log) {
  impl_->on_connected = std::move(log);
}

void Client::on_disconnected(std::move_only_function<void(const ConnectionInfo&)> log) {
  impl_->on_disconnected = std::move(log);
}

void Client::on_connecting(
    std::move_only_function<void(std::string_view host, const Address& address)> log) {
  impl_->on_connecting = std::move(log);
}

ClientStats Client::stats() const {
  ClientStats stats = impl_->counted;
  stats.sessions = impl_->sessions.size();
  stats.open_requests = impl_->calls.size();
  stats.open_connections = static_cast<std::size_t>(std::ranges::count_if(
      impl_->connections, [](const auto& entry) { return entry.second->connected; }));
  return stats;
}

std::vector<ConnectionInfo> Client::connections() const {
  std::vector<ConnectionInfo> all;
  for (const auto& [number, connection] : impl_->connections) {
    const quic::Connection* const quic = impl_->quic_of(*connection);
    if (quic == nullptr || !connection->connected) continue;
    all.push_back(describe(*quic, connection->number, connection->origin->key));
  }
  std::ranges::sort(all, {}, &ConnectionInfo::number);
  return all;
}

Client::Impl::Impl(Loop& on, Tls with, ClientConfig settings)
    : EndpointDriver(on, Role::client, std::move(with), Error{HttpError::no_error}),
      config(std::move(settings)),
      sessions(config.max_sessions),
      alternatives(config.max_alternatives) {
  complete_for_http3(config.quic, config.h3);
  config.quic.handshake_timeout = config.connect_timeout;
}

Client::Impl::~Impl() { stop(); }

void Client::Impl::handle_stop() noexcept {
  owner.release();
  for (const auto& [key, call] : calls) call->owner.release();
}

quic::Config& Client::Impl::quic_config() noexcept { return config.quic; }

void Client::Impl::run_handlers(Time now) {
  serve_ready();
  advance_all();
  do_work();
  if (is_stopped) return;
  if (timers.take(Deadline::sweep)) sweep(now);
  if (timers.take(Deadline::idle)) close_idle(now);
  if (timers.take(Deadline::shutdown)) cancel_all();
  migrate_pending();
  deliver_finished();
  if (closing && !is_stopped) close_if_idle();
}

Result<> Client::Impl::migrate_to(const Address& new_local) {
  if (const Result<> started = start(); !started) return started;
  close_unused_sockets();
  const Result<Address> opened = open(new_local);
  if (!opened) return std::unexpected(opened.error());
  sockets.push_back(*opened);
  for (const auto& [number, connection] : connections) {
    // "Any address" applies only to its own family; a mismatch with a specific one is reported.
    const bool same_family = connection->address.is_ipv4() == opened->is_ipv4();
    if (same_family || !opened->is_any()) connection->migrate_to = *opened;
  }
  has_migrations = true;
  return {};
}

Result<> Client::Impl::network_changed() {
  alternatives.handle_network_change();
  // One socket per family in use: it can serve all connections of its family.
  for (const bool ipv4 : {true, false}) {
    const bool used = std::ranges::any_of(
        connections, [ipv4](const auto& entry) { return entry.second->address.is_ipv4() == ipv4; });
    if (!used) continue;
    if (auto moved = migrate_to(any_address(ipv4)); !moved) return moved;
  }
  return {};
}

void Client::Impl::shutdown(Duration limit, std::move_only_function<void()> done) {
  closing = true;
  call_when_ended("Client::shutdown", std::move(done));
  timers.set(Deadline::shutdown, later(loop.now(), limit));
  attach(loop, *this);
  nudge();
}

void Client::Impl::cancel_all() {
  std::vector<ClientCall*> left;
  for (const auto& [key, call] : calls) left.push_back(call.get());
  for (ClientCall* const call : left) cancel(*call, Error{UsageError::closed, "client closed"});
}

void Client::Impl::close_if_idle() {
  if (!calls.empty()) return;
  if (endpoint) {
    endpoint->for_each(
        [](quic::Connection& connection) { connection.close(Error{HttpError::no_error}); });
  }
  if (is_end_awaited()) say_all_ended();
}

}  // namespace quoin::inline v0
