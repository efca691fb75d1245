// SPDX-License-Identifier: MIT
/// A queue of names and a few threads. A thread in getaddrinfo() cannot be stopped, so it owns a
/// share of all it touches, and learns from a null pointer that nobody is listening anymore.
#include "client/resolver.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>

#include "io/host_lookup.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::size_t max_threads = 8;

struct Question {
  std::string host;
  std::uint16_t port = 0;
  std::uint64_t number = 0;
};

using Answer = Result<std::vector<Address>>;

/// What the loop's thread and the look-up threads share.
struct Shared {
  std::mutex mutex;
  Loop* loop = nullptr;  // null: the resolver is gone
  std::deque<Question> questions;
  std::size_t threads = 0;
  // Used and emptied only by the loop's thread.
  std::unordered_map<std::uint64_t, ResolveDone> waiting;
};

void deliver(Shared& shared, std::uint64_t number, Answer answer) {
  const auto waiting = shared.waiting.extract(number);
  if (!waiting.empty()) waiting.mapped()(std::move(answer));
}

// The body of a thread: it ends when there is nothing left to look up.
void look_up(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock{shared->mutex};
  while (shared->loop != nullptr && !shared->questions.empty()) {
    const Question question = std::move(shared->questions.front());
    shared->questions.pop_front();
    lock.unlock();
    Answer answer = io::look_up_host(question.host, question.port);
    lock.lock();
    if (shared->loop == nullptr) break;
    // Under the lock, because the loop is sure to exist only while the resolver does.
    shared->loop->post([shared, number = question.number, answer = std::move(answer)]() mutable {
      deliver(*shared, number, std::move(answer));
    });
  }
  --shared->threads;
}

class SystemResolver {
 public:
  explicit SystemResolver(Loop& loop) : shared_(std::make_shared<Shared>()) {
    shared_->loop = &loop;
  }

  SystemResolver(const SystemResolver&) = delete;
  SystemResolver& operator=(const SystemResolver&) = delete;

  ~SystemResolver() {
    {
      const std::scoped_lock lock{shared_->mutex};
      shared_->loop = nullptr;
      shared_->questions.clear();
    }
    shared_->waiting.clear();
  }

  void operator()(const std::string& host, std::uint16_t port, ResolveDone done) {
    const std::uint64_t number = ++last_number_;
    shared_->waiting.emplace(number, std::move(done));
    const std::scoped_lock lock{shared_->mutex};
    shared_->questions.push_back({.host = host, .port = port, .number = number});
    if (shared_->threads == max_threads) return;
    try {
      std::thread{look_up, shared_}.detach();
      ++shared_->threads;
    } catch (const std::system_error& error) {
      if (shared_->threads != 0) return;  // they will get to it
      shared_->questions.clear();
      const std::string detail = host + ": no thread to look it up: " + error.what();
      shared_->loop->post([shared = shared_, number, detail] {
        deliver(*shared, number, std::unexpected(Error{LocalError::name_resolution, detail}));
      });
    }
  }

 private:
  std::shared_ptr<Shared> shared_;
  std::uint64_t last_number_ = 0;
};

}  // namespace

Resolver system_resolver(Loop& loop) {
  return [system = std::make_shared<SystemResolver>(loop)](const std::string& host,
                                                           std::uint16_t port, ResolveDone done) {
    (*system)(host, port, std::move(done));
  };
}

}  // namespace quoin::inline v0
