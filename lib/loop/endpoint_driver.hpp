// SPDX-License-Identifier: MIT
/// What Server, Client and plain QUIC do alike: a QUIC endpoint on a loop, with its sockets, its
/// timers, its end. Knows no protocol on top of QUIC. Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "loop/driver.hpp"
#include "loop/timer_table.hpp"
#include "loop/tls_answers.hpp"

namespace quoin::inline v0 {

/// A driver with one endpoint. Derived classes handle what its connections say in run_handlers(),
/// and call stop() in their destructors. Its owner destroys it with retire(), which a handler that
/// this driver has called may do as well.
class EndpointDriver : public Driver {
 public:
  enum class Role : std::uint8_t { client, server };

  /// Peers are sent `goodbye` when the driver is destroyed.
  EndpointDriver(Loop& on, Role role, Tls tls, Error goodbye);
  EndpointDriver(const EndpointDriver&) = delete;
  EndpointDriver& operator=(const EndpointDriver&) = delete;
  ~EndpointDriver() override;

  /// Stops the driver and destroys it, but not before its running handler has returned.
  static void retire(std::unique_ptr<EndpointDriver> driver);
  /// Says goodbye and leaves the loop; no application code is called afterwards.
  void stop() noexcept;

  /// Makes the endpoint, once. Errors: those of check() and of quic::Endpoint::create().
  [[nodiscard]] Result<> start();
  /// Opens a socket. Errors: those of start() and io::Backend::open().
  [[nodiscard]] Result<Address> open(const Address& local);
  /// Continues a socket of another process; takes the descriptor. Errors: those of start() and
  /// adopt_socket().
  [[nodiscard]] Result<Address> adopt(int descriptor);
  /// The address that datagrams to `remote` have when they leave from this socket. Errors: those
  /// of io::Backend::source_for().
  [[nodiscard]] Result<Address> source_for(const Address& socket, const Address& remote);
  /// Moves the connection to this socket. Errors: those of source_for() and of
  /// quic::Connection::migrate().
  [[nodiscard]] Result<> migrate(quic::Connection& connection, const Address& socket);
  /// Closes those of `sockets` that are no longer in use, and forgets them.
  void close_unused(std::vector<Address>& sockets,
                    const std::function<bool(const Address&)>& is_used);

  /// Uses another Tls for new connections, also before start(). Errors:
  /// UsageError::invalid_argument for one of the other role; nothing changes then.
  [[nodiscard]] Result<> set_tls(Tls tls);
  /// As quic::Endpoint::set_token_secrets(), also before start(); on an error nothing changes.
  [[nodiscard]] Result<> set_token_secrets(std::vector<std::string> secrets);
  /// The endpoint's counters, if there is one.
  [[nodiscard]] quic::EndpointStats endpoint_stats() const noexcept;

  /// A command was queued: a turn is needed.
  void nudge() noexcept;
  /// Runs `job`, which calls no handlers, by handle_timeout() after `delay`.
  TimerId after(Duration delay, TimerTable::Job job);

  void handle_datagram(const Datagram& datagram, Time now) override;
  void handle_path_error(const io::PathError& error, Time now) final;
  void handle_timeout(Time now) override;
  void dispatch(Time now) final;
  [[nodiscard]] std::optional<Datagram> poll_transmit(std::span<std::byte> buffer,
                                                      Time now) override;
  [[nodiscard]] std::optional<Time> poll_timeout() const noexcept final;

  Loop& loop;
  std::optional<quic::Endpoint> endpoint;  ///< never moves once made
  TlsAnswers tls_answers{loop, *this};
  TimerTable timers;  ///< to be followed by nudge(), but for handlers
  bool is_stopped = false;

 protected:
  /// Where the settings are, until the endpoint is made with them.
  [[nodiscard]] virtual quic::Config& quic_config() noexcept = 0;

  /// Checks other settings.
  [[nodiscard]] virtual Result<> check() { return {}; }

  /// Server: the application of a new connection.
  [[nodiscard]] virtual quic::Acceptor acceptor() { return {}; }

  /// Calls the handlers, among other things those of serve_ready(). Each may stop the driver.
  virtual void run_handlers(Time now) = 0;
  /// The connection has news.
  virtual void serve(quic::ConnectionKey id) = 0;

  /// Makes handles stale, so that nothing calls back.
  virtual void handle_stop() noexcept {}

  void serve_ready();

  /// Handlers of this driver are running.
  [[nodiscard]] bool is_dispatching() const noexcept { return dispatching_; }

  /// `done`, if it is something, is called once, after say_all_ended(). `where` names it for
  /// Loop::on_exception() and must be static.
  void call_when_ended(const char* where, std::move_only_function<void()> done);
  /// All connections are closed, and the peers are told at the end of this turn: those that wait
  /// are called in a later one.
  void say_all_ended() noexcept;

  [[nodiscard]] bool is_end_awaited() const noexcept { return !ended_.empty(); }

 private:
  void say_goodbye();
  void tell_ended();

  Role role_;
  Tls tls_;
  Error goodbye_;

  struct Ended {
    const char* where;
    std::move_only_function<void()> done;
  };

  std::deque<Ended> ended_;
  bool dispatching_ = false;
};

/// The unspecified address, with any port, of the family.
[[nodiscard]] Address any_address(bool ipv4);

}  // namespace quoin::inline v0
