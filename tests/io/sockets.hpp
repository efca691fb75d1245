// SPDX-License-Identifier: MIT
/// Pairs of real sockets on the loopback interface, of which the sending one can be made to fail.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/epoll.hpp>
#include <quoin/io/socket_options.hpp>
#include <quoin/io/uring.hpp>
#include <quoin/time.hpp>

#include "io/fakes.hpp"
#include "io/udp/epoll_backend.hpp"
#include "io/udp/socket_calls.hpp"
#include "io/uring/backend.hpp"

namespace quoin::test {

inline constexpr Duration patience = std::chrono::seconds{10};

/// What arrived, single datagrams, copied.
struct Arrival {
  Path path;
  std::string payload;
  Ecn ecn;
};

/// The backends on real sockets.
enum class Kind : std::uint8_t { epoll, io_uring };

/// Whose turn it is; see QUOIN_EACH_BACKEND.
inline Kind kind = Kind::epoll;

/// At the beginning of a test case: it is run once for each backend that there is here.
#define QUOIN_EACH_BACKEND                                                            \
  kind = GENERATE(Kind::epoll, Kind::io_uring);                                       \
  if (const auto support = io::uring_support(); kind == Kind::io_uring && !support) { \
    SKIP("no io_uring here: " << support.error().message());                          \
  }                                                                                   \
  CAPTURE(kind == Kind::io_uring)

inline std::unique_ptr<io::Backend> make_backend(const io::SocketOptions& options = {}) {
  return kind == Kind::epoll ? io::epoll_backend(options) : io::uring_backend(options);
}

inline std::unique_ptr<io::Backend> make_backend(const io::SocketOptions& options,
                                                 io::SocketCalls& calls) {
  return kind == Kind::epoll ? io::epoll_backend(options, calls)
                             : io::make_uring_backend(options, &calls).value();
}

/// Fails the next sending calls as told: an errno each; 0: the real call; -n: only n messages.
class FaultyCalls final : public io::SocketCalls {
 public:
  std::deque<int> sends;
  std::vector<int> refused_options;
  int send_calls = 0;

  int set_option(int fd, int level, int name, const void* value, socklen_t size) override {
    if (std::ranges::find(refused_options, name) != refused_options.end()) {
      errno = ENOPROTOOPT;
      return -1;
    }
    return SocketCalls::set_option(fd, level, name, value, size);
  }

  int send_messages(int fd, mmsghdr* messages, unsigned count) override {
    ++send_calls;
    const int outcome = sends.empty() ? 0 : sends.front();
    if (!sends.empty()) {
      sends.pop_front();
    }
    if (outcome > 0) {
      errno = outcome;
      return -1;
    }
    const unsigned most = outcome < 0 ? std::min(count, static_cast<unsigned>(-outcome)) : count;
    return real_->send_messages(fd, messages, most);
  }

 private:
  std::unique_ptr<io::SocketCalls> real_ =
      kind == Kind::epoll ? std::make_unique<io::SocketCalls>() : io::uring_calls();
};

inline bool has_ipv6() {
  static const bool answer = io::epoll_backend()->open(address("[::1]:0")).has_value();
  return answer;
}

/// Receives until there are `count` datagrams, or patience is at its end.
inline std::vector<Arrival> receive(io::Backend& backend, std::size_t count) {
  std::vector<Arrival> all;
  const Time end = backend.now() + patience;
  while (all.size() < count && backend.now() < end) {
    backend.wait(end);
    for (const Datagram& datagram : backend.receive()) {
      Bytes rest = datagram.payload;
      const std::size_t segment = datagram.segment_size == 0 ? rest.size() : datagram.segment_size;
      while (!rest.empty()) {
        const Bytes one = rest.first(std::min(segment, rest.size()));
        all.push_back(
            {.path = datagram.path, .payload = std::string{as_text(one)}, .ecn = datagram.ecn});
        rest = rest.subspan(one.size());
      }
    }
  }
  return all;
}

/// Waits for path errors.
inline std::vector<io::PathError> errors(io::Backend& backend) {
  const Time end = backend.now() + patience;
  while (backend.now() < end) {
    backend.wait(end);
    const auto found = backend.errors();
    if (!found.empty()) return {found.begin(), found.end()};
  }
  return {};
}

/// Two backends with a socket each; the one that sends can be made to fail.
struct Sockets {
  FaultyCalls calls;
  std::unique_ptr<io::Backend> sender;
  std::unique_ptr<io::Backend> receiver;
  Address from;
  Address to;

  explicit Sockets(std::string_view local = "127.0.0.1:0", const io::SocketOptions& options = {})
      : sender(make_backend(options, calls)), receiver(make_backend(options)) {
    from = sender->open(address(local)).value();
    to = receiver->open(address(local)).value();
  }

  [[nodiscard]] Datagram datagram(std::string_view payload, std::size_t segment_size = 0,
                                  Ecn ecn = Ecn::not_ect) const {
    return {.path = {.local = from, .remote = to},
            .payload = as_bytes(payload),
            .segment_size = segment_size,
            .ecn = ecn};
  }

  [[nodiscard]] std::size_t send(const Datagram& datagram) { return sender->send({&datagram, 1}); }
};

/// `count` segments of `size` bytes, each filled with a letter of its own.
inline std::string train(std::size_t count, std::size_t size) {
  std::string payload;
  for (std::size_t i = 0; i < count; ++i) {
    payload.append(size, static_cast<char>('A' + i));
  }
  return payload;
}

inline void check_train(const std::vector<Arrival>& arrivals, std::size_t count, std::size_t size) {
  REQUIRE(arrivals.size() == count);
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(arrivals[i].payload == std::string(size, static_cast<char>('A' + i)));
  }
}

}  // namespace quoin::test
