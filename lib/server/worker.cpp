// SPDX-License-Identifier: MIT
/// One of the Workers: its thread, from the first turn to the last.
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <quoin/loop.hpp>
#include <quoin/server.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "server/server_impl.hpp"
#include "server/workers_impl.hpp"

namespace quoin::inline v0 {
namespace {

/// Time left after the limit for telling the clients.
constexpr Duration goodbye = std::chrono::milliseconds{100};

/// The worker whose thread this is.
thread_local const void* worker_here = nullptr;

}  // namespace

Workers::Impl::Place::Place(std::unique_ptr<Loop> on, const Tls& tls, ServerConfig config)
    : loop(std::move(on)), server(std::make_unique<Server>(*loop, tls, std::move(config))) {
  server->impl_->board = &board_;
}

void Workers::Impl::Place::start() {
  const std::scoped_lock lock{mutex_};
  thread_ = std::thread{[this] { run(); }};
  phase_ = Phase::running;
}

void Workers::Impl::Place::join() {
  if (thread_.joinable()) thread_.join();
}

bool Workers::Impl::Place::is_worker_here() noexcept { return worker_here != nullptr; }

bool Workers::Impl::Place::is_here() const noexcept { return worker_here == this; }

void Workers::Impl::Place::run() {
  worker_here = this;
  loop->turn();
  while (!is_finished_) {
    board_.write(server->stats());
    loop->wait();
    loop->turn();
  }
  while (!try_end()) loop->turn();
  board_.write(server->stats());
}

/// Someone may be waiting for a job posted after the last turn.
bool Workers::Impl::Place::try_end() {
  const std::scoped_lock lock{mutex_};
  if (posted_ != 0) return false;
  phase_ = Phase::over;
  if (const auto& newer = server->impl_->relays.newer) newer->close_receiving();
  return true;
}

void Workers::Impl::Place::post_to_loop(Job job) {
  struct Done {
    Place& place;

    ~Done() {
      const std::scoped_lock lock{place.mutex_};
      --place.posted_;
    }
  };

  ++posted_;
  loop->post([this, job = std::move(job)]() mutable {
    const Done done{*this};
    job();
  });
}

bool Workers::Impl::Place::post(Job& job) {
  const std::scoped_lock lock{mutex_};
  if (phase_ == Phase::over) return false;
  post_to_loop(std::move(job));
  return true;
}

void Workers::Impl::Place::change(Job job) {
  const std::scoped_lock lock{mutex_};
  if (phase_ == Phase::running) {
    post_to_loop(std::move(job));
  } else {
    job();
  }
}

ServerStats Workers::Impl::Place::stats() const {
  return is_here() ? server->stats() : board_.read();
}

void Workers::Impl::Place::shutdown(Duration limit) {
  loop->post([this, limit] {
    server->shutdown(limit, [this] { handle_end(); });
    const Duration longest = limit < Duration::max() - goodbye ? limit + goodbye : limit;
    loop->after(longest, [this] { forget_older(); });
  });
}

/// The server is done. Datagrams to and from an older process still go through here until that
/// process is done as well.
void Workers::Impl::Place::handle_end() {
  has_ended_ = true;
  is_finished_ = is_finished_ || !server->impl_->relays.older;
}

void Workers::Impl::Place::forget_older() {
  server->impl_->relays.older.reset();
  is_finished_ = is_finished_ || has_ended_;
}

}  // namespace quoin::inline v0
