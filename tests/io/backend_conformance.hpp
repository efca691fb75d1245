// SPDX-License-Identifier: MIT
/// What every backend must do, whatever moves its datagrams. A test program brings two backends
/// that can reach each other; run it on a backend of your own, too.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>

#include "driver.hpp"
#include "io/fakes.hpp"

namespace quoin::test {

/// Two backends under loops, which are turned by run_until() until a condition holds (false: it
/// never did).
struct BackendPair {
  Loop& a;
  Loop& b;
  Address a_host;  // where `a` can open sockets; port 0
  Address b_host;
  std::function<bool(const std::function<bool()>&)> run_until;
};

/// A socket, and what it received: copied, and taken out of its train.
class Socket {
 public:
  struct Received {
    Path path;
    std::string payload;
    Ecn ecn;

    friend bool operator==(const Received&, const Received&) = default;
  };

  Socket(Loop& loop, const Address& host) : loop_(loop) {
    driver_.on_datagram = [this](const Datagram& datagram) { take(datagram); };
    local = open_socket(loop, driver_, host).value();
  }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  ~Socket() { detach(loop_, driver_); }

  [[nodiscard]] std::size_t send(const Datagram& datagram) {
    return loop_.backend().send({&datagram, 1});
  }

  [[nodiscard]] const std::vector<io::PathError>& errors() const { return driver_.errors; }

  /// Waits until so many have arrived.
  [[nodiscard]] const std::vector<Received>& wait_for(const BackendPair& pair, std::size_t count) {
    REQUIRE(pair.run_until([&] { return received_.size() >= count; }));
    return received_;
  }

  Address local;

 private:
  void take(const Datagram& datagram) {
    const std::size_t whole = datagram.payload.size();
    const std::size_t step = datagram.segment_size == 0 ? whole : datagram.segment_size;
    for (std::size_t at = 0; at < whole; at += step) {
      const Bytes one = datagram.payload.subspan(at, std::min(step, whole - at));
      received_.push_back(
          {.path = datagram.path, .payload = std::string{as_text(one)}, .ecn = datagram.ecn});
    }
  }

  Loop& loop_;
  FakeDriver driver_;
  std::vector<Received> received_;
};

inline void check_sockets(const BackendPair& pair) {
  io::Backend& backend = pair.a.backend();
  const Address first = backend.open(pair.a_host).value();
  CHECK(first.port() != 0);
  CHECK(first.with_port(0) == pair.a_host);
  const Address second = backend.open(pair.a_host).value();
  CHECK(second.port() != first.port());
  CHECK(backend.open(first).error() == Error{Error::Domain::system, EADDRINUSE});
  CHECK(backend.receive().empty());
  backend.close(first);
  backend.close(first);
  CHECK(backend.open(first) == first);
  CHECK(backend.source_for(pair.b_host).value().is_ipv4() == pair.a_host.is_ipv4());
  CHECK_FALSE(backend.describe().empty());
}

inline void check_exchange(const BackendPair& pair) {
  Socket a{pair.a, pair.a_host};
  Socket b{pair.b, pair.b_host};
  const Path way{.local = a.local, .remote = b.local};
  const Path way_back{.local = b.local, .remote = a.local};
  const Ecn mark = pair.a.backend().capabilities().ecn ? Ecn::ect0 : Ecn::not_ect;
  REQUIRE(a.send({.path = way, .payload = as_bytes("ping"), .ecn = mark}) == 1);
  CHECK(b.wait_for(pair, 1) ==
        std::vector<Socket::Received>{{.path = way_back, .payload = "ping", .ecn = mark}});
  REQUIRE(b.send({.path = way_back, .payload = as_bytes("pong")}) == 1);
  CHECK(a.wait_for(pair, 1) ==
        std::vector<Socket::Received>{{.path = way, .payload = "pong", .ecn = Ecn::not_ect}});
}

inline void check_train(const BackendPair& pair) {
  Socket a{pair.a, pair.a_host};
  Socket b{pair.b, pair.b_host};
  const auto segments =
      std::min<std::size_t>(20, pair.a.backend().capabilities().max_send_segments);
  std::string payload;
  for (std::size_t i = 0; i < segments; ++i) {
    payload.append(i + 1 < segments ? 1200 : 333, static_cast<char>('a' + i));
  }
  REQUIRE(a.send({.path = {.local = a.local, .remote = b.local},
                  .payload = as_bytes(payload),
                  .segment_size = segments > 1 ? std::size_t{1200} : 0}) == 1);
  std::string arrived;
  for (const auto& each : b.wait_for(pair, segments)) {
    CHECK(each.payload.size() <= 1200);
    arrived += each.payload;
  }
  CHECK(arrived == payload);
}

/// A backend copies or sends what it takes: the caller may use the bytes again.
inline void check_bytes_are_free_after_send(const BackendPair& pair) {
  Socket a{pair.a, pair.a_host};
  Socket b{pair.b, pair.b_host};
  std::string payload = "before";
  REQUIRE(a.send({.path = {.local = a.local, .remote = b.local}, .payload = as_bytes(payload)}) ==
          1);
  std::ranges::fill(payload, 'x');
  CHECK(b.wait_for(pair, 1)[0].payload == "before");
}

inline void check_unspecified_address(const BackendPair& pair) {
  Socket a{pair.a, pair.a_host};
  Socket any{pair.b, address("0.0.0.0:0")};
  CHECK(any.local.is_any());
  const Address to = pair.b_host.with_port(any.local.port());
  REQUIRE(a.send({.path = {.local = a.local, .remote = to}, .payload = as_bytes("ping")}) == 1);
  CHECK(any.wait_for(pair, 1)[0].path.local == to);
}

inline void check_losses(const BackendPair& pair) {
  Socket a{pair.a, pair.a_host};
  const Address gone = Socket{pair.b, pair.b_host}.local;
  const Datagram refused{.path = {.local = a.local, .remote = gone}, .payload = as_bytes("x")};
  REQUIRE(a.send(refused) == 1);
  REQUIRE(pair.run_until([&] { return !a.errors().empty(); }));
  CHECK(a.errors()[0].error == Error{Error::Domain::system, ECONNREFUSED});
  CHECK(a.errors()[0].path.remote == gone);
  pair.a.backend().close(a.local);  // a datagram from a socket that is gone is taken, and lost
  CHECK(a.send(refused) == 1);
}

inline void check_randomness(const BackendPair& pair) {
  std::array<std::byte, 64> first{};
  std::array<std::byte, 64> second{};
  pair.a.backend().fill_random(first);
  pair.b.backend().fill_random(second);
  CHECK(first != second);
  pair.b.backend().fill_random(first);
  CHECK(first != second);
}

/// All of it.
inline void check_backend(const BackendPair& pair) {
  check_sockets(pair);
  check_exchange(pair);
  check_train(pair);
  check_bytes_are_free_after_send(pair);
  check_unspecified_address(pair);
  check_losses(pair);
  check_randomness(pair);
}

}  // namespace quoin::test
