// SPDX-License-Identifier: MIT
/// What runs tasks: groups, which own them, and run_task() for a program that is one task. And
/// sleep().
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

/// Resumes who awaits it in a turn of the loop, `delay` from Loop::now() on. Zero or less: in the
/// next turn.
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
  /// Called in the place where a task ended with an exception. Without it Loop::on_exception() is
  /// told, as of what a handler throws; the other tasks go on.
  void on_failure(std::move_only_function<void(std::exception_ptr failure)> handler);
  /// Destroys all tasks, as the destructor does.
  void cancel() noexcept;
  /// How many tasks have not ended.
  [[nodiscard]] std::size_t size() const noexcept;
  /// Ends when there are no tasks, which may be at once. Not for tasks of the same group, which
  /// would wait for themselves.
  [[nodiscard]] Operation<void> join();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Turns and waits on `loop` until `task` has ended, and returns its value or throws what it has
/// thrown: for `main()`. Loop::stop() does not end it. Throws std::logic_error when called by a
/// handler or a task.
template <class T>
T run_task(Loop& loop, Task<T> task) {
  std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> value;
  detail::run_to_end(loop, detail::store_result(std::move(task), value));
  if constexpr (!std::is_void_v<T>) return std::move(*value);
}

}  // namespace quoin::inline v0
