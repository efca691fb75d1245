// SPDX-License-Identifier: MIT
/// What runs tasks: groups, which own them, and run_task() for a program that is a single task.
/// Also sleep().
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include <quoin/coro/operation.hpp>
#include <quoin/coro/task.hpp>
#include <quoin/detail/run_task.hpp>
#include <quoin/export.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {

/// Resumes the awaiting coroutine in a turn of the loop, `delay` after Loop::now(). Zero or less:
/// in the next turn.
[[nodiscard]] QUOIN_EXPORT Operation<void> sleep(Loop& loop, Duration delay);

/// Owns tasks that nobody awaits. The loop must outlive it.
class QUOIN_EXPORT TaskGroup {
 public:
  /// Without tasks.
  explicit TaskGroup(Loop& loop);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  /// Destroys all tasks, the last one spawned first. May be called by one of them, which is then
  /// destroyed when it next waits.
  ~TaskGroup();

  /// Runs `task` until it first waits, and from then on in turns of the loop.
  void spawn(Task<> task);
  /// Called where a task ends with an exception. Without it Loop::on_exception() is called, as for
  /// handlers; the other tasks go on.
  void on_failure(std::move_only_function<void(std::exception_ptr failure)> handler);
  /// Destroys all tasks, as the destructor does.
  void cancel() noexcept;
  /// The number of tasks that have not ended.
  [[nodiscard]] std::size_t size() const noexcept;
  /// Ends when there are no tasks, possibly at once. Not for tasks of the same group, which would
  /// wait for themselves.
  [[nodiscard]] Operation<void> join();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Turns and waits on `loop` until `task` has ended, and returns its value or throws what it threw:
/// for `main()`. Loop::stop() does not end it. Throws std::logic_error when called by a handler or
/// a task.
template <class T>
T run_task(Loop& loop, Task<T> task) {
  std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> value;
  detail::run_to_end(loop, detail::store_result(std::move(task), value));
  if constexpr (!std::is_void_v<T>) return std::move(*value);
}

}  // namespace quoin::inline v0
