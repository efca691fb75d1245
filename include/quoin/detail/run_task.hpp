// SPDX-License-Identifier: MIT
/// How a program waits for one task: the part of quoin/coro/group.hpp that programs do not name.
#pragma once

#include <quoin/version.hpp>

#include <optional>
#include <type_traits>

#include <quoin/coro/task.hpp>
#include <quoin/export.hpp>
#include <quoin/loop.hpp>

namespace quoin::inline v0::detail {

/// What run_task() runs.
template <class T, class Value>
[[nodiscard]] Task<> store_result(Task<T> task, std::optional<Value>& out) {
  if constexpr (std::is_void_v<T>) {
    co_await task;
    out.emplace();
  } else {
    out.emplace(co_await task);
  }
}

/// Turns the loop until the task has ended.
QUOIN_EXPORT void run_to_end(Loop& loop, Task<> task);

}  // namespace quoin::inline v0::detail
