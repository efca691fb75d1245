// SPDX-License-Identifier: MIT
/// An endpoint on a loop; see the header.
#include "loop/endpoint_driver.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "loop/call_in_place.hpp"
#include "loop/driver.hpp"
#include "loop/random.hpp"
#include "quic/endpoint/token_secrets.hpp"

namespace quoin::inline v0 {

EndpointDriver::EndpointDriver(Loop& on, Role role, Tls tls, Error goodbye)
    : loop(on), role_(role), tls_(std::move(tls)), goodbye_(std::move(goodbye)) {}

EndpointDriver::~EndpointDriver() { detach(loop, *this); }

void EndpointDriver::retire(std::unique_ptr<EndpointDriver> driver) {
  driver->stop();
  if (driver->dispatching_) {
    Loop& loop = driver->loop;
    loop.post([doomed = std::move(driver)] {});
  }
}

void EndpointDriver::stop() noexcept {
  if (std::exchange(is_stopped, true)) return;
  timers.clear();
  tls_answers.close();
  handle_stop();
  say_goodbye();
  detach(loop, *this);
}

void EndpointDriver::say_goodbye() {
  if (!endpoint) return;
  endpoint->for_each([this](quic::Connection& connection) { connection.close(goodbye_); });
  // Bounded, because a backend that takes no more now will not take more for us; peers that miss it
  // learn from their idle timeout.
  constexpr std::size_t most = 10'000;
  constexpr std::size_t largest_train = 65536;
  std::vector<std::byte> buffer(largest_train);
  io::Backend& backend = loop.backend();
  for (std::size_t i = 0; i < most; ++i) {
    const auto datagram = endpoint->poll_transmit(buffer, 1, loop.now());
    if (!datagram || backend.send(std::span{&*datagram, 1}) == 0) return;
  }
}

Result<> EndpointDriver::start() {
  if (endpoint) return {};
  if (Result<> usable = check(); !usable) return usable;
  Result<quic::Endpoint> made =
      quic::Endpoint::create(quic_config(), tls_, random_of(loop), acceptor());
  if (!made) return std::unexpected(made.error());
  endpoint.emplace(std::move(*made));
  tls_answers.open(*endpoint);
  return {};
}

Result<Address> EndpointDriver::open(const Address& local) {
  if (const Result<> started = start(); !started) return std::unexpected(started.error());
  Result<Address> opened = open_socket(loop, *this, local);
  if (opened) endpoint->set_capabilities(loop.backend().capabilities());
  return opened;
}

Result<Address> EndpointDriver::adopt(int descriptor) {
  if (const Result<> started = start(); !started) return std::unexpected(started.error());
  Result<Address> adopted = adopt_socket(loop, *this, descriptor);
  if (adopted) endpoint->set_capabilities(loop.backend().capabilities());
  return adopted;
}

Result<Address> EndpointDriver::source_for(const Address& socket, const Address& remote) {
  if (!socket.is_any()) return socket;
  const Result<Address> source = loop.backend().source_for(remote);
  if (!source) return std::unexpected(source.error());
  return source->with_port(socket.port());
}

Result<> EndpointDriver::migrate(quic::Connection& connection, const Address& socket) {
  const Result<Address> local = source_for(socket, connection.path().remote);
  if (!local) return std::unexpected(local.error());
  return connection.migrate(*local, loop.now());
}

void EndpointDriver::close_unused(std::vector<Address>& sockets,
                                  const std::function<bool(const Address&)>& is_used) {
  std::erase_if(sockets, [&](const Address& socket) {
    const bool unused = !is_used(socket);
    if (unused) close_socket(loop, socket);
    return unused;
  });
}

Result<> EndpointDriver::set_tls(Tls tls) {
  const bool server = role_ == Role::server;
  if (tls.is_server() != server) {
    return std::unexpected(
        Error{UsageError::invalid_argument,
              server ? "a server needs a server's Tls" : "a client needs a client's Tls"});
  }
  if (endpoint) {
    if (const Result<> set = endpoint->set_tls(tls); !set) return set;
  }
  tls_ = std::move(tls);
  return {};
}

Result<> EndpointDriver::set_token_secrets(std::vector<std::string> secrets) {
  if (endpoint) return endpoint->set_token_secrets(std::move(secrets), loop.now());
  if (const Result<> usable = quic::check_token_secrets(secrets); !usable) return usable;
  quic_config().token_secrets = std::move(secrets);
  return {};
}

quic::EndpointStats EndpointDriver::endpoint_stats() const noexcept {
  return endpoint ? endpoint->stats() : quic::EndpointStats{};
}

void EndpointDriver::nudge() noexcept { wake_driver(loop, *this); }

TimerId EndpointDriver::after(Duration delay, TimerTable::Job job) {
  const TimerId timer = timers.add(later(loop.now(), delay), std::move(job));
  if (!dispatching_) nudge();
  return timer;
}

void EndpointDriver::handle_datagram(const Datagram& datagram, Time now) {
  if (endpoint) endpoint->handle_datagram(datagram, now);
}

void EndpointDriver::handle_path_error(const io::PathError& error, Time now) {
  if (endpoint) endpoint->handle_path_error(error, now);
}

void EndpointDriver::handle_timeout(Time now) {
  if (endpoint) {
    const std::optional<Time> due = endpoint->poll_timeout();
    if (due && *due <= now) endpoint->handle_timeout(now);
  }
  timers.expire(now);
}

std::optional<Time> EndpointDriver::poll_timeout() const noexcept {
  const std::optional<Time> ours = timers.next();
  const std::optional<Time> due = endpoint ? endpoint->poll_timeout() : std::nullopt;
  return due && (!ours || *due < *ours) ? due : ours;
}

std::optional<Datagram> EndpointDriver::poll_transmit(std::span<std::byte> buffer, Time now) {
  if (!endpoint) return std::nullopt;
  return endpoint->poll_transmit(buffer, loop.backend().capabilities().max_send_segments, now);
}

void EndpointDriver::dispatch(Time now) {
  struct Running {
    bool& flag;

    explicit Running(bool& of) noexcept : flag(of) { flag = true; }

    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    ~Running() { flag = false; }
  };

  const Running running{dispatching_};
  if (endpoint && !is_stopped) tls_answers.serve();
  if (!is_stopped) run_handlers(now);
  if (!is_stopped && timers.take(Deadline::farewell)) tell_ended();
}

void EndpointDriver::serve_ready() {
  while (endpoint && !is_stopped) {
    const std::optional<quic::ConnectionKey> ready = endpoint->poll_ready();
    if (!ready) return;
    serve(*ready);
  }
}

void EndpointDriver::call_when_ended(const char* where, std::move_only_function<void()> done) {
  if (done) ended_.push_back({.where = where, .done = std::move(done)});
}

void EndpointDriver::say_all_ended() noexcept {
  timers.cancel(Deadline::shutdown);
  if (!ended_.empty()) timers.set_at_latest(Deadline::farewell, loop.now());
}

void EndpointDriver::tell_ended() {
  while (!ended_.empty() && !is_stopped) {
    Ended next = std::move(ended_.front());
    ended_.pop_front();
    call_and_forget(loop, next.where, next.done);
  }
}

Address any_address(bool ipv4) { return Address::parse(ipv4 ? "0.0.0.0:0" : "[::]:0").value(); }

}  // namespace quoin::inline v0
