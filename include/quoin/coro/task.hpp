// SPDX-License-Identifier: MIT
/// Task, the coroutine type. What a task waits for is in quoin/coro/operation.hpp and beside it,
/// what runs it in quoin/coro/group.hpp.
#pragma once

#include <quoin/version.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <quoin/export.hpp>

namespace quoin::inline v0 {

class Loop;
class TaskContext;
class TaskPromise;

/// For the library's own use: a coroutine that waits for others to end.
class QUOIN_EXPORT TaskJoin {
 public:
  /// `wanted` of the children have to end, or one has to fail.
  explicit TaskJoin(std::size_t wanted = 1) noexcept : wanted_(wanted) {}

  /// Whom to resume.
  void set_parent(TaskPromise& parent) noexcept { parent_ = &parent; }

  /// One has ended.
  void child_ended(bool failed);

 private:
  std::size_t wanted_;
  TaskPromise* parent_ = nullptr;
};

/// For the library's own use: what the coroutines of all tasks have in common.
class QUOIN_EXPORT TaskPromise {
 public:
  /// Tells who waits for the coroutine that it has ended.
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

  /// Keeps the exception for who waits.
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }

  /// Resumes it when what runs now in its context has suspended.
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

/// For the library's own use: where `co_return` puts its value.
template <class T>
class TaskResult : public TaskPromise {
 public:
  /// Keeps the value for who waits.
  template <std::convertible_to<T> From>
  void return_value(From&& value) {
    value_.emplace(std::forward<From>(value));
  }

  /// The value, once.
  [[nodiscard]] T take() { return std::move(*value_); }

 private:
  std::optional<T> value_;
};

/// For the library's own use: a task without a value.
template <>
class TaskResult<void> : public TaskPromise {
 public:
  /// The end.
  void return_void() const noexcept {}

  /// Nothing.
  void take() const noexcept {}
};

/// A coroutine that ends with a T, or with an exception. It does nothing before it is awaited by
/// another task or given to a TaskGroup, and is awaited once. What it throws comes out of the
/// `co_await`.
///
/// Destroying a Task cancels it: what it waits for is cancelled, its local variables are destroyed
/// in their order. A task that runs cannot be destroyed by its own means: a group that is destroyed
/// by one of its tasks destroys that one when it next waits.
///
/// Tasks run in the turns of a loop, on its thread.
template <class T = void>
class [[nodiscard]] Task {
  static_assert(std::is_void_v<T> || std::is_object_v<T>, "a task returns a value or nothing");

 public:
  /// What the compiler makes a coroutine with.
  struct promise_type : TaskResult<T> {
    /// The task of a new coroutine.
    [[nodiscard]] Task get_return_object() noexcept {
      const auto handle = std::coroutine_handle<promise_type>::from_promise(*this);
      this->set_self(handle);
      return Task{handle};
    }
  };

  /// No task.
  Task() noexcept = default;

  /// Takes a task that is not being awaited.
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}

  /// The same; destroys its own task.
  Task& operator=(Task&& other) noexcept {
    const Task old{std::move(*this)};
    handle_ = std::exchange(other.handle_, {});
    return *this;
  }

  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  ~Task() { reset(); }

  /// There is a coroutine, which was not awaited yet.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// True if there is nothing to wait for, which await_resume() then complains about.
  [[nodiscard]] bool await_ready() const noexcept { return !handle_ || handle_.done(); }

  /// Starts the coroutine in the context of the one that waits.
  template <std::derived_from<TaskPromise> Promise>
  void await_suspend(std::coroutine_handle<Promise> parent) {
    join_.set_parent(parent.promise());
    handle_.promise().start(*parent.promise().context(), &join_);
  }

  /// What the coroutine returned; throws what it has thrown. The coroutine is destroyed. Throws
  /// std::logic_error if there is none: a task is awaited once.
  T await_resume() {
    if (!handle_) throw std::logic_error{"quoin: a task was awaited that is empty or was awaited"};
    const Task over{std::move(*this)};
    if (over.handle_.promise().failure()) std::rethrow_exception(over.handle_.promise().failure());
    return over.handle_.promise().take();
  }

  /// For the library's own use.
  void start(TaskContext& context, TaskJoin* join) { handle_.promise().start(context, join); }

  /// For the library's own use: it has returned or thrown.
  [[nodiscard]] bool is_done() const noexcept { return handle_ && handle_.done(); }

  /// For the library's own use: what it has thrown, or null.
  [[nodiscard]] std::exception_ptr failure() const noexcept {
    return handle_ ? handle_.promise().failure() : nullptr;
  }

  /// Destroys the coroutine, if there is one.
  void reset() noexcept {
    if (const auto handle = std::exchange(handle_, {})) handle.destroy();
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
  TaskJoin join_;
};

/// For the library's own use: a task at the top and all tasks it waits for, of which one at a time
/// runs. Coroutines are resumed from here one after the other, never by each other, so that no
/// chain of them grows the stack.
class QUOIN_EXPORT TaskContext {
 public:
  /// Called once when the task at the top has ended, with what it has thrown or null.
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
  /// Resumes it in a turn soon.
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

}  // namespace quoin::inline v0
