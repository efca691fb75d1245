// SPDX-License-Identifier: MIT
/// The loop that connects servers and clients to a backend, on one thread. Not a general event
/// loop: it waits for datagrams, deadlines and posted jobs, nothing else. To run quoin inside
/// another event loop, watch descriptor(), sleep until deadline() and call turn().
#pragma once

#include <quoin/version.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include <quoin/export.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {

namespace detail {
struct Access;
}

/// A job scheduled with Loop::after(); a value. A default-constructed one names no job.
enum class TimerId : std::uint64_t {};

/// One thread's share of the library. It must outlive every server and client made on it.
///
/// A handler, any function of the application that the library calls in a turn, may replace or
/// remove itself, destroy its owner (the server, client, listener or dialer), and throw anything.
/// An exception ends the request or stream that the call is about, if any, and nothing else: the
/// handler is called again as if it had returned, everything else goes on, and on_exception() is
/// called. A request gets a 500, or is reset with H3_INTERNAL_ERROR if the response has begun; a
/// plain stream is reset with code 0 in both directions; a WebSocket is closed with 1011; a
/// handshake that waits for an answer is refused.
class QUOIN_EXPORT Loop {
 public:
  /// On the system's best backend.
  Loop();
  /// On a backend of your choice.
  explicit Loop(std::unique_ptr<io::Backend> backend);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  /// Turns and waits until stop(), which may have been called before. All handlers are called from
  /// here (or from turn()), and their exceptions do not leave it: see on_exception(). Must not be
  /// called by a handler (it would return at once).
  void run();
  /// Makes run() return after the present turn. Thread-safe and safe in a signal handler.
  void stop() noexcept;
  /// One pass: receive, time-outs, jobs, handlers, send. Never blocks. Must not be called by a
  /// handler (it would do nothing).
  void turn();
  /// When turn() is needed next if nothing arrives first; none: only when something arrives.
  [[nodiscard]] std::optional<Time> deadline() const noexcept;
  /// Blocks as run() does between two turns, at most until deadline().
  void wait();
  /// The time of the present turn (later at its end, for what is due by then), else the backend's.
  [[nodiscard]] Time now() const noexcept;

  /// Calls `job` once, `delay` from now() on, in a turn. Zero or less: in the next turn.
  TimerId after(Duration delay, std::move_only_function<void()> job);
  /// Cancels a job that has not run yet; ignored if it has run or never existed.
  void cancel(TimerId timer) noexcept;
  /// Calls `job` in one of the next turns. Thread-safe; everything else in the library, except
  /// stop(), belongs to the thread that runs the loop.
  void post(std::move_only_function<void()> job);

  /// Called at the end of the turn with each exception that a handler threw; `where` names the
  /// member that took the handler, for example "Server::on_access". Without a handler, each is
  /// printed as a line on standard error. To get exceptions out of turn() and run(), let `handler`
  /// throw: the turn is complete by then, nothing is lost, and both may be called again. If it
  /// throws several times in a turn, the first exception leaves.
  void on_exception(
      std::move_only_function<void(std::string_view where, std::exception_ptr thrown)> handler);

  /// The backend; valid as long as the loop.
  [[nodiscard]] io::Backend& backend() noexcept;
  /// See io::Backend::descriptor().
  [[nodiscard]] int descriptor() const noexcept;

  struct Impl;

 private:
  friend struct detail::Access;

  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0
