// SPDX-License-Identifier: MIT
/// Who awaits an operation, and what its two ends share: the part of quoin/coro/operation.hpp that
/// programs do not name.
#pragma once

#include <quoin/version.hpp>

#include <concepts>
#include <coroutine>
#include <functional>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <variant>

#include <quoin/detail/task.hpp>
#include <quoin/export.hpp>

namespace quoin::inline v0::detail {

/// A waiting coroutine of any type.
class QUOIN_EXPORT Waiter {
 public:
  /// Stores the waiting coroutine. Throws std::logic_error if there already is one.
  template <class Promise>
  void wait(std::coroutine_handle<Promise> caller) {
    if (handle_) throw std::logic_error{"quoin: two coroutines await the same operation"};
    handle_ = caller;
    if constexpr (std::derived_from<Promise, TaskPromise>) promise_ = &caller.promise();
  }

  /// Resumes it.
  void wake();
  /// Resumes it in one of the next turns if it is a Task; otherwise does nothing.
  void wake_later();

  /// Forgets it, so that it is never resumed.
  void forget() noexcept {
    handle_ = {};
    promise_ = nullptr;
  }

 private:
  std::coroutine_handle<> handle_;
  TaskPromise* promise_ = nullptr;
};

/// What an operation and its completion share.
template <class T>
struct OperationState {
  /// How a T is stored.
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  std::optional<Value> value;              ///< once it has ended
  std::move_only_function<void()> cancel;  ///< called when it is destroyed before its end
  Waiter waiter;                           ///< who awaits it
  bool wanted = true;                      ///< the operation is still there
  bool taken = false;                      ///< the value was returned by `co_await`
};

}  // namespace quoin::inline v0::detail
