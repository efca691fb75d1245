// SPDX-License-Identifier: MIT
/// The values of tasks awaited together: the part of quoin/coro/combine.hpp that programs do not
/// name.
#pragma once

#include <quoin/version.hpp>

#include <type_traits>
#include <variant>

#include <quoin/coro/group.hpp>
#include <quoin/coro/task.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::detail {

/// Std::monostate for a task without a value.
template <class T>
using TaskValue = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// The value of a task that has ended.
template <class T>
[[nodiscard]] TaskValue<T> take_value(Task<T>& task) {
  if constexpr (std::is_void_v<T>) {
    task.await_resume();
    return {};
  } else {
    return task.await_resume();
  }
}

/// A task that sleeps.
[[nodiscard]] inline Task<> sleep_task(Loop& loop, Duration limit) { co_await sleep(loop, limit); }

}  // namespace quoin::inline v0::detail
