// SPDX-License-Identifier: MIT
/// The context of a top-level task. Not public.
#pragma once

#include <deque>
#include <exception>
#include <functional>
#include <memory>

#include <quoin/coro/task.hpp>
#include <quoin/detail/task.hpp>
#include <quoin/loop.hpp>

namespace quoin::inline v0::detail {

/// A top-level task and all tasks it waits for, of which one at a time runs. Coroutines are resumed
/// from here one after the other, never by each other, so that no chain of them grows the stack.
class TaskContext {
 public:
  /// Called once when the top-level task has ended, with its exception or null.
  using Ended =
      std::move_only_function<void(const TaskContext* context, std::exception_ptr failure)>;

  /// Does not run the task yet.
  [[nodiscard]] static std::shared_ptr<TaskContext> make(Loop& loop, Task<> top, Ended ended);
  TaskContext(const TaskContext&) = delete;
  TaskContext& operator=(const TaskContext&) = delete;
  ~TaskContext();

  /// Runs the task until it first waits.
  void begin();
  /// Destroys the task: at once, or if it is running when it next waits. `ended` is not called.
  void cancel() noexcept;
  /// Resumes a coroutine: at once, or when the one that is running has suspended.
  void resume(TaskPromise& promise);
  /// Resumes it in one of the next turns.
  void resume_later(TaskPromise& promise);
  /// It is being destroyed.
  void forget(const TaskPromise& promise) noexcept;

 private:
  TaskContext(Loop& loop, Task<> top, Ended ended);
  void run();
  void destroy_top() noexcept;

  Loop& loop_;
  Task<> top_;
  Ended ended_;
  std::weak_ptr<TaskContext> self_;
  std::deque<TaskPromise*> ready_;  // null: forgotten
  std::deque<TaskPromise*> later_;
  bool running_ = false;
  bool cancelled_ = false;
};

}  // namespace quoin::inline v0::detail
