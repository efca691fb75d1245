// SPDX-License-Identifier: MIT
/// Several tasks at a time: all of them, the first of them, one with a time limit.
#pragma once

#include <quoin/version.hpp>

#include <array>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <quoin/coro/group.hpp>
#include <quoin/coro/task.hpp>
#include <quoin/detail/combine.hpp>
#include <quoin/detail/task.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {

/// Awaited, it runs all tasks. See when_all().
template <class... T>
class [[nodiscard]] WhenAll {
 public:
  /// Takes the tasks.
  explicit WhenAll(Task<T>... tasks) noexcept : tasks_(std::move(tasks)...), join_(sizeof...(T)) {}

  WhenAll(const WhenAll&) = delete;
  WhenAll& operator=(const WhenAll&) = delete;
  ~WhenAll() = default;

  /// There are no tasks.
  [[nodiscard]] bool await_ready() const noexcept { return sizeof...(T) == 0; }

  /// Starts them in their order.
  template <std::derived_from<detail::TaskPromise> Promise>
  void await_suspend(std::coroutine_handle<Promise> parent) {
    join_.set_parent(parent.promise());
    detail::TaskContext& context = *parent.promise().context();
    std::apply([&](auto&... task) { (detail::TaskAccess::start(task, context, &join_), ...); },
               tasks_);
  }

  /// The values in the tasks' order, std::monostate for void; throws what a task threw.
  std::tuple<detail::TaskValue<T>...> await_resume() {
    std::apply([&](auto&... task) { (rethrow(task), ...); }, tasks_);
    return std::apply(
        [](auto&... task) {
          return std::tuple<detail::TaskValue<T>...>{detail::take_value(task)...};
        },
        tasks_);
  }

 private:
  template <class Any>
  void rethrow(Task<Any>& task) {
    if (const std::exception_ptr failure = detail::TaskAccess::failure(task)) {
      // The others are cancelled before the exception propagates.
      const std::tuple<Task<T>...> gone = std::exchange(tasks_, std::tuple<Task<T>...>{});
      std::rethrow_exception(failure);
    }
  }

  std::tuple<Task<T>...> tasks_;
  detail::TaskJoin join_;
};

/// Runs tasks at the same time: `auto [a, b] = co_await when_all(first(), second())`. If one
/// throws, the others are destroyed and `co_await` throws the same exception.
template <class... T>
[[nodiscard]] WhenAll<T...> when_all(Task<T>... tasks) {
  return WhenAll<T...>{std::move(tasks)...};
}

/// Awaited, it runs all tasks. See when_all().
template <class T>
class [[nodiscard]] WhenAllOf {
 public:
  /// Takes the tasks.
  explicit WhenAllOf(std::vector<Task<T>> tasks) noexcept
      : tasks_(std::move(tasks)), join_(tasks_.size()) {}

  WhenAllOf(const WhenAllOf&) = delete;
  WhenAllOf& operator=(const WhenAllOf&) = delete;
  ~WhenAllOf() = default;

  /// There are no tasks.
  [[nodiscard]] bool await_ready() const noexcept { return tasks_.empty(); }

  /// Starts them in their order.
  template <std::derived_from<detail::TaskPromise> Promise>
  void await_suspend(std::coroutine_handle<Promise> parent) {
    join_.set_parent(parent.promise());
    for (Task<T>& task : tasks_) {
      detail::TaskAccess::start(task, *parent.promise().context(), &join_);
    }
  }

  /// The values in the tasks' order; throws what a task threw.
  std::vector<detail::TaskValue<T>> await_resume() {
    for (const Task<T>& task : tasks_) {
      if (const std::exception_ptr failure = detail::TaskAccess::failure(task)) {
        tasks_.clear();
        std::rethrow_exception(failure);
      }
    }
    std::vector<detail::TaskValue<T>> values;
    values.reserve(tasks_.size());
    for (Task<T>& task : tasks_) values.push_back(detail::take_value(task));
    return values;
  }

 private:
  std::vector<Task<T>> tasks_;
  detail::TaskJoin join_;
};

/// The same for any number of tasks of a kind; `co_await` returns a vector.
template <class T>
[[nodiscard]] WhenAllOf<T> when_all(std::vector<Task<T>> tasks) {
  return WhenAllOf<T>{std::move(tasks)};
}

/// Awaited, it runs all tasks until one has ended. See when_any().
template <class... T>
class [[nodiscard]] WhenAny {
  static_assert(sizeof...(T) > 0, "the first of none never ends");

 public:
  /// Takes the tasks.
  explicit WhenAny(Task<T>... tasks) noexcept : tasks_(std::move(tasks)...) {}

  WhenAny(const WhenAny&) = delete;
  WhenAny& operator=(const WhenAny&) = delete;
  ~WhenAny() = default;

  /// Never.
  [[nodiscard]] bool await_ready() const noexcept { return false; }

  /// Starts them in their order.
  template <std::derived_from<detail::TaskPromise> Promise>
  void await_suspend(std::coroutine_handle<Promise> parent) {
    join_.set_parent(parent.promise());
    detail::TaskContext& context = *parent.promise().context();
    std::apply([&](auto&... task) { (detail::TaskAccess::start(task, context, &join_), ...); },
               tasks_);
  }

  /// The value of the first to end; the variant's index is its place among the tasks.
  std::variant<detail::TaskValue<T>...> await_resume() {
    return take(std::index_sequence_for<T...>{});
  }

 private:
  template <std::size_t... Index>
  std::variant<detail::TaskValue<T>...> take(std::index_sequence<Index...> /*all*/) {
    std::tuple<Task<T>...> tasks = std::exchange(tasks_, std::tuple<Task<T>...>{});
    const std::array<bool, sizeof...(T)> done{
        detail::TaskAccess::is_done(std::get<Index>(tasks))...};
    std::size_t first = 0;
    while (!done[first]) ++first;
    // All others are cancelled before this returns.
    ((Index == first ? void() : std::get<Index>(tasks).reset()), ...);
    std::optional<std::variant<detail::TaskValue<T>...>> value;
    ((Index == first ? void(value.emplace(std::in_place_index<Index>,
                                          detail::take_value(std::get<Index>(tasks))))
                     : void()),
     ...);
    return std::move(*value);
  }

  std::tuple<Task<T>...> tasks_;
  detail::TaskJoin join_;
};

/// Runs tasks until the first has ended; the others are destroyed. If it ended with an exception,
/// `co_await` throws that. `co_await` returns a variant whose index is the place of that task.
template <class... T>
[[nodiscard]] WhenAny<T...> when_any(Task<T>... tasks) {
  return WhenAny<T...>{std::move(tasks)...};
}

/// Runs `task` for at most `limit`: `co_await` returns its value (std::monostate for void), or none
/// if time ran out and the task was destroyed.
template <class T>
[[nodiscard]] Task<std::optional<detail::TaskValue<T>>> within(Loop& loop, Duration limit,
                                                               Task<T> task) {
  auto first = co_await when_any(std::move(task), detail::sleep_task(loop, limit));
  if (first.index() == 0) co_return std::get<0>(std::move(first));
  co_return std::nullopt;
}

}  // namespace quoin::inline v0
