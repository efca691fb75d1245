// SPDX-License-Identifier: MIT
/// What all tasks' coroutines share, whatever they return: the part of quoin/coro/task.hpp that
/// programs do not name.
#pragma once

#include <quoin/version.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include <quoin/export.hpp>

namespace quoin::inline v0::detail {

class TaskContext;
class TaskPromise;

/// A coroutine that waits for others to end.
class QUOIN_EXPORT TaskJoin {
 public:
  /// Until `wanted` of the children have ended, or one has failed.
  explicit TaskJoin(std::size_t wanted = 1) noexcept : wanted_(wanted) {}

  /// The coroutine to resume.
  void set_parent(TaskPromise& parent) noexcept { parent_ = &parent; }

  /// A child has ended.
  void child_ended(bool failed);

 private:
  std::size_t wanted_;
  TaskPromise* parent_ = nullptr;
};

/// What the coroutines of all tasks share.
class QUOIN_EXPORT TaskPromise {
 public:
  /// Tells the waiting coroutine that this one has ended.
  class FinalAwaiter {
   public:
    /// The only state is the coroutine's own.
    FinalAwaiter() noexcept {}  // NOLINT(modernize-use-equals-default): must not be an aggregate

    /// Never.
    [[nodiscard]] bool await_ready() const noexcept { return false; }

    /// Queues the parent; the coroutine stays suspended until its Task is destroyed.
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      self.promise().end();
    }

    /// Never called.
    void await_resume() const noexcept {}
  };

  TaskPromise(const TaskPromise&) = delete;
  TaskPromise& operator=(const TaskPromise&) = delete;

  /// A task does nothing before it is awaited or spawned.
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }

  /// See FinalAwaiter.
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return FinalAwaiter{}; }

  /// Keeps the exception for the waiting coroutine.
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }

  /// Resumes it once whatever now runs in its context has suspended.
  void start(TaskContext& context, TaskJoin* join);

  /// The exception that ended it, or null.
  [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }

  /// What it runs in; null before it was started.
  [[nodiscard]] TaskContext* context() const noexcept { return context_; }

  /// The coroutine.
  [[nodiscard]] std::coroutine_handle<> self() const noexcept { return self_; }

 protected:
  TaskPromise() = default;
  ~TaskPromise();

  /// The coroutine, once it has a frame.
  void set_self(std::coroutine_handle<> self) noexcept { self_ = self; }

 private:
  void end();

  std::coroutine_handle<> self_;
  TaskContext* context_ = nullptr;
  TaskJoin* join_ = nullptr;
  std::exception_ptr failure_;
};

/// Where `co_return` puts its value.
template <class T>
class TaskResult : public TaskPromise {
 public:
  /// Keeps the value for the waiting coroutine.
  template <std::convertible_to<T> From>
  void return_value(From&& value) {
    value_.emplace(std::forward<From>(value));
  }

  /// The value, once.
  [[nodiscard]] T take() { return std::move(*value_); }

 private:
  std::optional<T> value_;
};

/// A task without a value.
template <>
class TaskResult<void> : public TaskPromise {
 public:
  /// The end.
  void return_void() const noexcept {}

  /// Nothing.
  void take() const noexcept {}
};

/// Runs a task and tells its state.
struct TaskAccess {
  /// Starts the coroutine in this context; `join` is told of its end.
  template <class Task>
  static void start(Task& task, TaskContext& context, TaskJoin* join) {
    task.handle_.promise().start(context, join);
  }

  /// It has returned or thrown.
  template <class Task>
  [[nodiscard]] static bool is_done(const Task& task) noexcept {
    return task.handle_ && task.handle_.done();
  }

  /// What it has thrown, or null.
  template <class Task>
  [[nodiscard]] static std::exception_ptr failure(const Task& task) noexcept {
    return task.handle_ ? task.handle_.promise().failure() : nullptr;
  }
};

}  // namespace quoin::inline v0::detail
