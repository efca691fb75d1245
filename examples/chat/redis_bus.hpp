// SPDX-License-Identifier: MIT
/// What is said in one process, in all processes that share a Redis server:
/// publish/subscribe with hiredis, on threads of its own, because hiredis and a
/// quoin::Loop wait for different things.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include <quoin/loop.hpp>

namespace chat {

/// One channel of a Redis server. Connections that break are made again; what
/// is published meanwhile waits, up to a limit, and what others publish is
/// missed.
class RedisBus {
 public:
  /// `url` is "redis://HOST[:PORT]"; if not, standard error tells what is wrong
  /// with it.
  [[nodiscard]] static bool accepts(const std::string& url);

  /// Calls `deliver` on the loop with all that anybody publishes, this process
  /// included. `url` is one that accepts() accepts; std::invalid_argument if
  /// not.
  RedisBus(const std::string& url, quoin::Loop& loop,
           std::function<void(const std::string&)> deliver);
  RedisBus(const RedisBus&) = delete;
  RedisBus& operator=(const RedisBus&) = delete;
  ~RedisBus();

  /// Queues `text`; of too many that wait the oldest is dropped.
  void publish(std::string text);
  /// How many were dropped.
  [[nodiscard]] std::uint64_t dropped();

 private:
  void subscribe();
  void send();
  /// False when it is time to end.
  bool pause_before_retry();

  std::string host_;
  int port_ = 6379;
  quoin::Loop& loop_;
  std::function<void(const std::string&)> deliver_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  std::uint64_t dropped_ = 0;
  int subscriber_socket_ = -1;  // to wake it up
  bool ending_ = false;
  std::thread subscriber_;
  std::thread sender_;
};

}  // namespace chat
