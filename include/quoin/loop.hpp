// SPDX-License-Identifier: MIT
/// The loop that joins servers and clients with a backend, on one thread. Not a general event
/// loop: it waits for datagrams, deadlines and posted jobs, nothing else. To run quoin inside
/// another event loop, watch descriptor(), sleep until deadline() and call turn().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include <quoin/export.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {

/// A job that was scheduled with Loop::after(); a value. The default one names no job.
enum class TimerId : std::uint64_t {};

/// One thread's share of the library. It must outlive every server and client made on it.
class QUOIN_EXPORT Loop {
 public:
  /// On the system's best backend.
  Loop();
  /// On a backend of your choice.
  explicit Loop(std::unique_ptr<io::Backend> backend);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  /// Turns and waits until stop(), which may have been called before. All handlers are called
  /// from here (or from turn()). Must not be called by a handler (it returns at once then).
  void run();
  /// Makes run() return after the present turn. Thread-safe and safe in a signal handler.
  void stop() noexcept;
  /// One pass: receive, time-outs, jobs, handlers, send. Never blocks. Must not be called by a
  /// handler (it does nothing then).
  void turn();
  /// When turn() is needed next if nothing arrives before; none: not until then.
  [[nodiscard]] std::optional<Time> deadline() const noexcept;
  /// Blocks as run() does between two turns, at most until deadline().
  void wait();
  /// The time of the present turn (later at its end, for what is due by then), else the backend's.
  [[nodiscard]] Time now() const noexcept;

  /// Calls `job` once, `delay` from now() on, in a turn. Zero or less: in the next turn.
  TimerId after(Duration delay, std::move_only_function<void()> job);
  /// Forgets a job that has not run yet; one that has run, or never was, is ignored.
  void cancel(TimerId timer) noexcept;
  /// Calls `job` in a turn soon. Thread-safe; everything else in the library, except stop(),
  /// belongs to the thread that runs the loop.
  void post(std::move_only_function<void()> job);

  /// The backend; valid as long as the loop.
  [[nodiscard]] io::Backend& backend() noexcept;
  /// See io::Backend::descriptor().
  [[nodiscard]] int descriptor() const noexcept;

  struct Impl;

  /// For the library's own use.
  [[nodiscard]] Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0
