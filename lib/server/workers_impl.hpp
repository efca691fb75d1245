// SPDX-License-Identifier: MIT
/// The internals of Workers: a place for each worker, and what they all share. Not public.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
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
#include "server/stats_board.hpp"

namespace quoin::inline v0 {

struct Workers::Impl {
  class Place;
  using Job = std::move_only_function<void()>;
  using Change = std::function<void(Server& server)>;

  Impl(unsigned wanted, Tls with, ServerConfig settings, Prepare setup, MakeBackend backends);

  [[nodiscard]] Result<> make_places();
  [[nodiscard]] Result<> make_place(unsigned number);
  void drop_places();
  void change_all(std::unique_lock<std::mutex> lock, const Change& change);

  // Hot restart.
  [[nodiscard]] Result<std::vector<Address>> adopt(io::Inheritance& from);
  void link_to_older();
  void begin_handover();
  void give_way(const io::Relays& newer);
  void pass_on(std::size_t worker, bool from_older, std::vector<io::Parcel> parcels,
               const std::function<void()>& done);
  [[nodiscard]] Result<io::Estate> estate() const;

  std::atomic<unsigned> count;
  Prepare prepare;
  MakeBackend make_backend;
  std::vector<Address> addresses;
  bool started = false;
  FilePath taken_from;                         // empty: the sockets are our own
  std::optional<io::Inheritance> inheritance;  // until start()
  std::move_only_function<void()> on_taken;
  std::atomic<bool> is_taken = false;

  /// Guards the members below against functions that any thread may call. The owner's thread, which
  /// alone changes `places`, reads it without locking. No application code runs under it.
  std::mutex mutex;
  Tls tls;
  ServerConfig config;
  std::vector<std::unique_ptr<Place>> places;  // empty until listen()

  std::unique_ptr<io::HandoverThread> handover;  // destroyed before the places it posts to
};

/// A thread and what it runs on, destroyed in this order: thread, server, loop. The server belongs
/// to the thread; before the thread starts and after it ends, to the holder of the mutex.
class Workers::Impl::Place {
 public:
  Place(std::unique_ptr<Loop> on, const Tls& tls, ServerConfig config);

  /// Starts the thread. Throws std::system_error.
  void start();
  /// Waits for the thread to end, if there is one.
  void join();

  /// Has the thread run `job` soon, or as soon as it starts. False, with `job` unchanged, if the
  /// thread has ended. Thread-safe.
  [[nodiscard]] bool post(Job& job);
  /// Has the thread change the server soon, or changes it now if there is no thread. Thread-safe.
  void change(Job job);

  /// Calls `use` with the server, as long as no thread has started.
  auto with_server(auto&& use) {
    const std::scoped_lock lock{mutex_};
    return use(*server);
  }

  /// The server's counts as of when it last ran its handlers, or current ones if this is the
  /// server's thread. Thread-safe.
  [[nodiscard]] ServerStats stats() const;
  /// Ends the server. Thread-safe.
  void shutdown(Duration limit);
  /// The previous process needs nothing more. To be called on the thread.
  void forget_older();

  /// Whether this thread belongs to a worker, of these or other Workers.
  [[nodiscard]] static bool is_worker_here() noexcept;
  /// Whether it belongs to this one.
  [[nodiscard]] bool is_here() const noexcept;

  const std::unique_ptr<Loop> loop;
  const std::unique_ptr<Server> server;

 private:
  enum class Phase : std::uint8_t { waiting, running, over };

  void run();
  void handle_end();
  void post_to_loop(Job job);
  [[nodiscard]] bool try_end();

  StatsBoard board_;
  std::mutex mutex_;
  Phase phase_ = Phase::waiting;  // guarded by mutex_
  std::size_t posted_ = 0;        // jobs not run yet; guarded by mutex_
  bool has_ended_ = false;    // the server has; the loop runs on while an older process needs it
  bool is_finished_ = false;  // the loop is no longer needed
  std::thread thread_;
};

}  // namespace quoin::inline v0
