// SPDX-License-Identifier: MIT
/// Plain QUIC on a loop: carries datagrams and time between the loop and the endpoint, and events
/// to the handlers. A handler may do anything here, also destroy the driver.
#include "plain/driver.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/stream.hpp>

namespace quoin::inline v0 {
namespace {

using Type = quic::StreamEvent::Type;

/// What peers are told when the facade goes.
constexpr std::uint64_t no_code = 0;

/// The largest datagram there can be.
constexpr std::size_t largest_datagram = 65536;

}  // namespace

ConnectionState::~ConnectionState() {
  for (const Address& socket : sockets) close_socket(driver.loop(), socket);
}

PlainDriver::PlainDriver(Loop& loop, Tls tls, quic::Config config, quic::StreamsConfig streams,
                         bool server)
    : tls_answers(loop, *this),
      loop_(loop),
      tls_(std::move(tls)),
      config_(std::move(config)),
      streams_config_(streams),
      server_(server) {
  attach(loop_, *this);
}

PlainDriver::~PlainDriver() {
  say_goodbye();
  detach(loop_, *this);
  if (heir_ != nullptr) {
    heir_->endpoint = std::move(endpoint_);
    heir_->scratch = std::move(scratch_);
  }
}

Result<> PlainDriver::start() {
  if (endpoint_) return {};
  auto random = [&backend = loop_.backend()](std::span<std::byte> out) {
    backend.fill_random(out);
  };
  auto endpoint = quic::Endpoint::create(config_, tls_, std::move(random),
                                         server_ ? acceptor() : quic::Acceptor{});
  if (!endpoint) return std::unexpected(endpoint.error());
  endpoint_ = std::make_unique<quic::Endpoint>(std::move(*endpoint));
  tls_answers.open(*endpoint_);
  return {};
}

quic::Acceptor PlainDriver::acceptor() const {
  return [limits = streams_config_](quic::Connection& connection) {
    return std::make_unique<quic::Streams>(connection, limits);
  };
}

Result<Address> PlainDriver::open(const Address& local) {
  if (auto started = start(); !started) return std::unexpected(started.error());
  auto opened = open_socket(loop_, *this, local);
  if (opened) endpoint_->set_capabilities(loop_.backend().capabilities());
  return opened;
}

Result<Address> PlainDriver::source_for(const Address& socket, const Address& remote) {
  if (!socket.is_any()) return socket;
  auto source = loop_.backend().source_for(remote);
  if (!source) return std::unexpected(source.error());
  return source->with_port(socket.port());
}

Result<> PlainDriver::connect(const Path& path, std::string_view server_name,
                              std::move_only_function<void(Result<Connection>)> done) {
  const auto id = endpoint_->connect(path, server_name, acceptor(), loop_.now());
  if (!id) return std::unexpected(id.error());
  auto state = std::make_unique<ConnectionState>(*this, *id);
  state->on_dialed = std::move(done);
  states_[*id] = std::move(state);
  nudge();
  return {};
}

void PlainDriver::stop_accepting() noexcept {
  if (endpoint_) endpoint_->stop_accepting();
}

Result<> PlainDriver::set_token_secrets(std::vector<std::string> secrets) {
  if (endpoint_) return endpoint_->set_token_secrets(std::move(secrets), loop_.now());
  config_.token_secrets = std::move(secrets);
  return {};
}

quic::EndpointStats PlainDriver::stats() const noexcept {
  return endpoint_ ? endpoint_->stats() : quic::EndpointStats{};
}

quic::Connection* PlainDriver::find(const ConnectionState& state) noexcept {
  return endpoint_->find(state.id);
}

quic::Streams* PlainDriver::streams_of(const ConnectionState& state) noexcept {
  quic::Connection* const connection = find(state);
  // Nothing else was ever put on a connection of this endpoint.
  return connection == nullptr ? nullptr : static_cast<quic::Streams*>(&connection->application());
}

StreamState& PlainDriver::add_stream(ConnectionState& state, quic::StreamId id) {
  auto& place = state.streams[id];
  place = std::make_unique<StreamState>(state, id);
  return *place;
}

void PlainDriver::resume(StreamState& stream) {
  stream.reader_paused = false;
  stream.writer_paused = false;
  stream.resumed_inside = stream.reading || stream.writing;
  if (!std::exchange(stream.resumed, true)) resumed_.push_back(stream.owner.handle());
  nudge();
}

void PlainDriver::nudge() noexcept {
  // While handlers run, sending comes next anyway.
  if (heir_ == nullptr || !resumed_.empty()) wake_driver(loop_, *this);
}

void PlainDriver::handle_datagram(const Datagram& datagram, Time now) {
  if (endpoint_) endpoint_->handle_datagram(datagram, now);
}

void PlainDriver::handle_path_error(const io::PathError& error, Time now) {
  if (endpoint_) endpoint_->handle_path_error(error, now);
}

void PlainDriver::handle_timeout(Time now) {
  if (endpoint_) endpoint_->handle_timeout(now);
}

std::optional<Datagram> PlainDriver::poll_transmit(std::span<std::byte> buffer, Time now) {
  if (!endpoint_) return std::nullopt;
  const std::size_t segments = loop_.backend().capabilities().max_send_segments;
  return endpoint_->poll_transmit(buffer, segments, now);
}

std::optional<Time> PlainDriver::poll_timeout() const noexcept {
  return endpoint_ ? endpoint_->poll_timeout() : std::nullopt;
}

void PlainDriver::dispatch(Time /*now*/) {
  if (!endpoint_) return;
  Heir heir;

  struct Guard {
    PlainDriver& driver;
    Handle self = driver.owner_.handle();

    ~Guard() {
      if (self) driver.heir_ = nullptr;
    }
  };

  const Guard guard{*this};
  heir_ = &heir;
  if (!tls_answers.serve()) return;
  // Those that were resumed may have brought about events of their own.
  if (serve_ready() && serve_resumed()) (void)serve_ready();
}

bool PlainDriver::serve_ready() {
  while (const auto id = endpoint_->poll_ready()) {
    if (!serve(*id)) return false;
  }
  return true;
}

bool PlainDriver::serve(quic::ConnectionKey id) {
  quic::Connection* const connection = endpoint_->find(id);
  if (connection == nullptr) return true;
  auto& place = states_[id];
  if (!place) place = std::make_unique<ConnectionState>(*this, id);
  ConnectionState& state = *place;
  const Error reason = connection->close_reason();
  // A handler that connects to somewhere makes the endpoint forget the connections that are over.
  while (quic::Streams* const streams = streams_of(state)) {
    const auto event = streams->poll_event();
    if (!event) return true;
    if (event->type == Type::disconnected) return handle_disconnected(state, event->error);
    if (!handle(state, *event)) return false;
  }
  return handle_disconnected(state, reason);
}

bool PlainDriver::serve_resumed() {
  // Those that resume while this runs get their turn in the next round.
  for (const Handle& handle : std::exchange(resumed_, {})) {
    auto* const stream = resolve_as<StreamState>(handle);
    if (stream == nullptr) continue;
    stream->resumed = false;
    if (!read(*stream) || !fill(*stream)) return false;
  }
  return true;
}

void PlainDriver::say_goodbye() {
  if (!endpoint_) return;
  endpoint_->for_each([](quic::Connection& connection) {
    connection.close({Error::Domain::application, no_code});
  });
  std::vector<std::byte> buffer(largest_datagram);
  while (const auto datagram = endpoint_->poll_transmit(buffer, 1, loop_.now())) {
    // A peer that does not hear it finds out by its idle timeout.
    if (loop_.backend().send({&*datagram, 1}) == 0) return;
  }
}

}  // namespace quoin::inline v0
