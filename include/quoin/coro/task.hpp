// SPDX-License-Identifier: MIT
/// Task, the coroutine type. See quoin/coro/operation.hpp for what a task awaits, and
/// quoin/coro/group.hpp for what runs it.
#pragma once

#include <quoin/version.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <quoin/detail/task.hpp>

namespace quoin::inline v0 {

/// A coroutine that ends with a T, or with an exception. It does nothing until it is awaited by
/// another task or given to a TaskGroup, and is awaited once. Its exception comes out of the
/// `co_await`.
///
/// Destroying a Task cancels it: what it waits for is cancelled, its local variables are destroyed
/// in their order. A running task cannot destroy itself: a group destroyed by one of its own tasks
/// destroys that task when it next waits.
///
/// Tasks run in the turns of a loop, on its thread.
template <class T = void>
class [[nodiscard]] Task {
  static_assert(std::is_void_v<T> || std::is_object_v<T>, "a task returns a value or nothing");

 public:
  /// What the compiler needs for a coroutine.
  struct promise_type : detail::TaskResult<T> {
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

  /// There is a coroutine that has not been awaited yet.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  /// True if there is nothing to wait for; await_resume() then throws.
  [[nodiscard]] bool await_ready() const noexcept { return !handle_ || handle_.done(); }

  /// Starts the coroutine in the context of the waiting one.
  template <std::derived_from<detail::TaskPromise> Promise>
  void await_suspend(std::coroutine_handle<Promise> parent) {
    join_.set_parent(parent.promise());
    handle_.promise().start(*parent.promise().context(), &join_);
  }

  /// What the coroutine returned; throws what it threw. The coroutine is destroyed. Throws
  /// std::logic_error if there is none: a task is awaited once.
  T await_resume() {
    if (!handle_) throw std::logic_error{"quoin: a task was awaited that is empty or was awaited"};
    const Task over{std::move(*this)};
    if (over.handle_.promise().failure()) std::rethrow_exception(over.handle_.promise().failure());
    return over.handle_.promise().take();
  }

  /// Destroys the coroutine, if there is one.
  void reset() noexcept {
    if (const auto handle = std::exchange(handle_, {})) handle.destroy();
  }

 private:
  friend struct detail::TaskAccess;

  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
  detail::TaskJoin join_;
};

}  // namespace quoin::inline v0
