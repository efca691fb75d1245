// SPDX-License-Identifier: MIT
/// A driver that checks, for a whole session, that the time it asks to be called at matches what
/// it does then. Not a fake: everything else is the driver's own.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <catch2/catch_test_macros.hpp>

#include <quoin/datagram.hpp>
#include <quoin/time.hpp>

#include "loop/endpoint_driver.hpp"

namespace quoin::test {

/// `Base` is an EndpointDriver; its tests build it in place of Server, Client or Listener.
template <class Base>
class Walked : public Base {
 public:
  using Base::Base;

  void handle_timeout(Time now) override {
    const std::optional<Time> due = this->poll_timeout();
    // Called for a reason, and not for one it failed to serve last time. The engine may have news
    // again after it has written, such as a connection's end.
    REQUIRE(due.has_value());
    REQUIRE(*due <= now);
    times_ = now == last_ ? times_ + 1 : 1;
    last_ = now;
    ++served_;
    REQUIRE(times_ <= most_at_once);
    Base::handle_timeout(now);
    const std::optional<Time> next = this->timers.next();
    if (next) REQUIRE(*next > now);
  }

  [[nodiscard]] std::optional<Datagram> poll_transmit(std::span<std::byte> buffer,
                                                      Time now) override {
    const std::optional<Datagram> datagram = Base::poll_transmit(buffer, now);
    const std::optional<Time> due = this->poll_timeout();
    // Time{}: the engine has news. Otherwise nothing is left that it could have done by now.
    if (!datagram && due && *due != Time{} && !this->timers.is_set(Deadline::farewell)) {
      REQUIRE(*due > now);
    }
    return datagram;
  }

  /// How many times handle_timeout() was called.
  [[nodiscard]] std::size_t served() const noexcept { return served_; }

 private:
  static constexpr std::size_t most_at_once = 3;

  Time last_{};
  std::size_t times_ = 0;
  std::size_t served_ = 0;
};

}  // namespace quoin::test
