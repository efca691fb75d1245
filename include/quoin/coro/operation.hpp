// SPDX-License-Identifier: MIT
/// Operation: something begun that can be awaited, and Completion, which ends it. With them any
/// callback becomes awaitable, including your own.
#pragma once

#include <quoin/version.hpp>

#include <concepts>
#include <coroutine>
#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <quoin/detail/operation.hpp>
#include <quoin/error.hpp>

namespace quoin::inline v0 {

template <class T>
class Completion;

/// Something begun, to be awaited once: `auto reply = co_await get(client, url)`, or named first
/// and awaited later, so that several run at a time. `co_await` returns a T. A coroutine of any
/// type may await it. Destroying it cancels what it stands for, and a coroutine that awaits it is
/// not resumed.
///
/// An operation whose object is destroyed (the client, the connection) ends with
/// UsageError::closed if T is a Result. Only tasks learn of that, other coroutines stay suspended.
template <class T>
class [[nodiscard]] Operation {
 public:
  /// An operation that its completion() ends.
  Operation() : state_(std::make_shared<detail::OperationState<T>>()) {}

  /// The other one must not be used any more.
  Operation(Operation&&) noexcept = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  Operation& operator=(Operation&&) = delete;

  /// Cancels it if it has not ended.
  ~Operation() {
    if (!state_) return;
    state_->wanted = false;
    state_->waiter.forget();
    if (auto cancel = std::exchange(state_->cancel, nullptr)) cancel();
  }

  /// What ends it: call it once with the value, on the loop's thread. If it is destroyed instead,
  /// the operation ends with UsageError::closed.
  [[nodiscard]] Completion<T> completion() const { return Completion<T>{state_}; }

  /// Calls `cancel` if this is destroyed before it has ended.
  void on_cancel(std::move_only_function<void()> cancel) {
    if (!is_ready()) state_->cancel = std::move(cancel);
  }

  /// It has ended.
  [[nodiscard]] bool is_ready() const noexcept { return state_->value.has_value(); }

  /// There is nothing to wait for.
  [[nodiscard]] bool await_ready() const noexcept { return is_ready(); }

  /// Stores the waiting coroutine.
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> caller) {
    state_->waiter.wait(caller);
  }

  /// The value. Throws std::logic_error the second time.
  T await_resume() {
    if (std::exchange(state_->taken, true)) {
      throw std::logic_error{"quoin: an operation is awaited once"};
    }
    if constexpr (!std::is_void_v<T>) return std::move(*state_->value);
  }

 private:
  std::shared_ptr<detail::OperationState<T>> state_;
};

/// The other end of an Operation: a callback for its value. Moves, as callbacks do.
template <class T>
class Completion {
 public:
  /// Moves the completion; the other one ends nothing any more.
  Completion(Completion&&) noexcept = default;

  /// Ends the operation without a value.
  Completion& operator=(Completion&& other) noexcept {
    const Completion old{std::move(*this)};
    state_ = std::move(other.state_);
    return *this;
  }

  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  ~Completion() {
    if (!state_ || !state_->wanted) return;
    if constexpr (std::constructible_from<T, std::unexpected<Error>>) {
      state_->value.emplace(std::unexpected(Error{UsageError::closed, "what was awaited is gone"}));
      state_->cancel = nullptr;
      state_->waiter.wake_later();
    }
  }

  /// The operation is still there: somebody may want the value.
  [[nodiscard]] bool is_wanted() const noexcept { return state_ && state_->wanted; }

  /// Ends the operation and resumes the coroutine that awaits it. Does nothing the second time, or
  /// when nobody wants it any more.
  template <class... Value>
    requires(sizeof...(Value) == (std::is_void_v<T> ? 0 : 1))
  void operator()(Value&&... value) {
    const std::shared_ptr<detail::OperationState<T>> state = std::exchange(state_, nullptr);
    if (!state || !state->wanted) return;
    state->value.emplace(std::forward<Value>(value)...);
    state->cancel = nullptr;
    state->waiter.wake();
  }

 private:
  friend class Operation<T>;

  explicit Completion(std::shared_ptr<detail::OperationState<T>> state) noexcept
      : state_(std::move(state)) {}

  std::shared_ptr<detail::OperationState<T>> state_;
};

/// An operation that has already ended.
template <class T>
[[nodiscard]] Operation<T> ready_operation(std::type_identity_t<T> value) {
  Operation<T> operation;
  operation.completion()(std::move(value));
  return operation;
}

}  // namespace quoin::inline v0
