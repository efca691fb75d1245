// SPDX-License-Identifier: MIT
/// The inside of Workers: a place for each, and what all have in common. Not public.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/server.hpp>
#include <quoin/tls.hpp>
#include <quoin/workers.hpp>

#include "io/takeover/handover.hpp"
#include "io/takeover/handover_thread.hpp"
#include "io/takeover/relay.hpp"
#include "server/server_impl.hpp"

namespace quoin::inline v0 {

struct Workers::Impl {
  /// A thread and what it runs on, destroyed in this order: thread, server, loop.
  struct Place {
    std::unique_ptr<Loop> loop;
    std::unique_ptr<Server> server;
    std::mutex mutex;
    bool over = false;       // no thread runs the loop any more; guarded by `mutex`
    bool has_ended = false;  // the server has; the loop runs on while an older process needs it
    std::thread thread;

    void run() {
      loop->run();
      const std::scoped_lock lock{mutex};
      loop->turn();  // for what was posted after the last one
      over = true;
      if (const auto& newer = server->impl_->relays.newer) newer->close_receiving();
    }

    /// The server is done. What is passed on to and from an older process goes through here, until
    /// that is done as well.
    void end() {
      has_ended = true;
      if (!server->impl_->relays.older) loop->stop();
    }

    void forget_older() {
      server->impl_->relays.older.reset();
      if (has_ended) loop->stop();
    }

    /// Runs `job` on the thread, or here if there is none, and waits for it.
    template <class Job>
    auto ask(Job job) {
      std::packaged_task<decltype(job())()> task{std::move(job)};
      auto answer = task.get_future();
      {
        const std::scoped_lock lock{mutex};
        if (thread.joinable() && !over) {
          loop->post(std::move(task));
        } else {
          task();
        }
      }
      return answer.get();
    }
  };

  Impl(unsigned wanted, Tls with, ServerConfig settings, Prepare setup, MakeBackend backends);

  [[nodiscard]] Result<> make_places();
  [[nodiscard]] Result<> make_place(unsigned number);
  [[nodiscard]] Result<std::vector<Address>> adopt(io::Inheritance& from);
  void link_to_older();
  void begin_handover();
  void give_way(const io::Relays& newer);
  void pass_on(std::size_t worker, bool from_older, std::vector<io::Parcel> parcels,
               std::function<void()> done);
  [[nodiscard]] Result<io::Estate> estate() const;

  unsigned count;
  Tls tls;
  ServerConfig config;
  Prepare prepare;
  MakeBackend make_backend;
  std::vector<std::unique_ptr<Place>> places;  // empty until listen()
  std::vector<Address> addresses;
  bool started = false;
  std::filesystem::path taken_from;            // empty: the sockets are our own
  std::optional<io::Inheritance> inheritance;  // until start()
  std::function<void()> on_taken;
  std::atomic<bool> is_taken = false;
  std::unique_ptr<io::HandoverThread> handover;  // goes before the places that it posts to
};

}  // namespace quoin::inline v0
