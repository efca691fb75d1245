// SPDX-License-Identifier: MIT
/// See redis_bus.hpp.
#include "chat/redis_bus.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <hiredis/hiredis.h>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <utility>

#include <quoin/loop.hpp>

namespace chat {
namespace {

constexpr const char* channel = "quoin-chat";
constexpr std::size_t max_waiting = 10'000;

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};

struct FreeReply {
  void operator()(void* reply) const { freeReplyObject(reply); }
};

using Context = std::unique_ptr<redisContext, FreeContext>;
using Reply = std::unique_ptr<redisReply, FreeReply>;

// Without an error, or none.
Context connect(const std::string& host, int port) {
  const timeval limit{.tv_sec = 2, .tv_usec = 0};
  Context context{redisConnectWithTimeout(host.c_str(), port, limit)};
  if (context && context->err == 0) return context;
  std::fprintf(stderr, "redis at %s:%d: %s\n", host.c_str(), port,
               context ? context->errstr : "out of memory");
  return nullptr;
}

struct Place {
  std::string host;
  int port = 6379;
};

Place parse(const std::string& url) {
  constexpr std::string_view scheme = "redis://";
  const std::string context = "--redis '" + url + "': ";
  std::string_view rest = url;
  if (!rest.starts_with(scheme)) {
    throw std::invalid_argument{context + "write redis://HOST[:PORT]"};
  }
  rest.remove_prefix(scheme.size());
  Place place;
  const std::size_t colon = rest.rfind(':');
  place.host = rest.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = rest.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), place.port);
    if (error != std::errc{} || end != port.data() + port.size() ||
        place.port < 1 || place.port > 65535) {
      throw std::invalid_argument{context +
                                  "the port is a number from 1 to 65535"};
    }
  }
  if (place.host.empty()) {
    throw std::invalid_argument{context + "the host is missing"};
  }
  return place;
}

}  // namespace

bool RedisBus::accepts(const std::string& url) {
  try {
    parse(url);
    return true;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "websocket_chat: %s\n", error.what());
    return false;
  }
}

RedisBus::RedisBus(const std::string& url, quoin::Loop& loop,
                   std::function<void(const std::string&)> deliver)
    : loop_(loop), deliver_(std::move(deliver)) {
  Place place = parse(url);
  host_ = std::move(place.host);
  port_ = place.port;
  subscriber_ = std::thread{[this] { subscribe(); }};
  sender_ = std::thread{[this] { send(); }};
}

RedisBus::~RedisBus() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
    if (subscriber_socket_ >= 0) ::shutdown(subscriber_socket_, SHUT_RDWR);
  }
  changed_.notify_all();
  subscriber_.join();
  sender_.join();
}

void RedisBus::publish(std::string text) {
  {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(text));
    if (waiting_.size() > max_waiting) {
      waiting_.pop_front();
      ++dropped_;
    }
  }
  changed_.notify_all();
}

std::uint64_t RedisBus::dropped() {
  const std::lock_guard lock{mutex_};
  return dropped_;
}

bool RedisBus::pause_before_retry() {
  constexpr std::chrono::milliseconds pause{500};
  std::unique_lock lock{mutex_};
  return !changed_.wait_for(lock, pause, [this] { return ending_; });
}

void RedisBus::subscribe() {
  do {
    const Context context = connect(host_, port_);
    if (!context) continue;
    {
      const std::lock_guard lock{mutex_};
      if (ending_) return;
      subscriber_socket_ = context->fd;
    }
    Reply reply{static_cast<redisReply*>(
        redisCommand(context.get(), "SUBSCRIBE %s", channel))};
    while (reply) {
      // "message", the channel, the text
      if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
          reply->element[2]->type == REDIS_REPLY_STRING) {
        loop_.post([this, text = std::string{reply->element[2]->str,
                                             reply->element[2]->len}] {
          deliver_(text);
        });
      }
      void* next = nullptr;
      if (redisGetReply(context.get(), &next) != REDIS_OK) next = nullptr;
      reply.reset(static_cast<redisReply*>(next));
    }
    const std::lock_guard lock{mutex_};
    subscriber_socket_ = -1;
  } while (pause_before_retry());
}

void RedisBus::send() {
  Context context;
  std::unique_lock lock{mutex_};
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    const std::string text = waiting_.front();
    lock.unlock();
    if (!context) context = connect(host_, port_);
    const Reply reply{context ? static_cast<redisReply*>(redisCommand(
                                    context.get(), "PUBLISH %s %b", channel,
                                    text.data(), text.size()))
                              : nullptr};
    if (!reply) {
      context.reset();
      if (!pause_before_retry()) return;
    }
    lock.lock();
    if (reply && !waiting_.empty()) waiting_.pop_front();
  }
}

}  // namespace chat
