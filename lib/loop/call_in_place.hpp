// SPDX-License-Identifier: MIT
/// The one way to call what an application gave the library. A handler may replace itself, destroy
/// its owner, and throw anything: afterwards it is back in its place as if it had returned, and its
/// exception goes to Loop::on_exception(). The caller ends the stream or request that the call was
/// about, if any. Not public; docs/guide/handlers.md is the rule.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/handle.hpp>
#include <quoin/loop.hpp>

namespace quoin::inline v0 {

/// Where a handler stays between its calls. Assigning while it runs replaces or removes it.
template <class Signature>
class HandlerPlace {
 public:
  using Function = std::move_only_function<Signature>;

  /// A handler that is being called, outside of its place.
  struct Running {
    Function handler;
    std::uint32_t changes;
  };

  HandlerPlace() = default;
  HandlerPlace(const HandlerPlace&) = delete;
  HandlerPlace& operator=(const HandlerPlace&) = delete;
  ~HandlerPlace() = default;

  HandlerPlace& operator=(Function handler) {
    ++changes_;
    handler_ = std::move(handler);
    return *this;
  }

  /// There is a handler, and it is not being called.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handler_); }

  /// Takes it out for a call; put_back() follows unless the place is gone by then.
  [[nodiscard]] Running take() noexcept { return {std::exchange(handler_, nullptr), changes_}; }

  /// Destroys it instead if it has been replaced or removed.
  void put_back(Running running) noexcept {
    if (running.changes == changes_) handler_ = std::move(running.handler);
  }

 private:
  Function handler_;
  std::uint32_t changes_ = 0;
};

/// Reports to Loop::on_exception() at the end of the turn. `where` must be static.
void report_exception(Loop& loop, const char* where, const std::exception_ptr& thrown) noexcept;
/// report_exception() for when the loop no longer turns: one line on standard error.
void print_exception(std::string_view where, const std::exception_ptr& thrown) noexcept;
/// Its message, for a log.
[[nodiscard]] std::string message_of(const std::exception_ptr& thrown);

/// Calls `call`, application code that is not in a HandlerPlace, and returns and reports its
/// exception; null if it returned.
template <class Call>
std::exception_ptr run_guarded(Loop& loop, const char* where, Call&& call) noexcept {
  try {
    std::forward<Call>(call)();
    return nullptr;
  } catch (...) {
    std::exception_ptr thrown = std::current_exception();
    report_exception(loop, where, thrown);
    return thrown;
  }
}

/// Calls a handler, if there is one, whose place still exists afterwards. Returns its exception, or
/// null.
template <class Signature, class... Arguments>
std::exception_ptr call_in_place(Loop& loop, const char* where, HandlerPlace<Signature>& place,
                                 Arguments&&... arguments) {
  if (!place) return nullptr;
  auto running = place.take();
  std::exception_ptr thrown =
      run_guarded(loop, where, [&] { running.handler(std::forward<Arguments>(arguments)...); });
  place.put_back(std::move(running));
  return thrown;
}

/// The result of calling a handler that may destroy its place.
struct Called {
  std::exception_ptr thrown;  ///< null: it returned, or there was none
  bool gone = false;          ///< the owner was destroyed, with all that it owned
};

/// Calls a handler, if there is one, whose place goes with `owner`.
template <class Signature, class... Arguments>
[[nodiscard]] Called call_in_place(Loop& loop, const char* where, const Handle& owner,
                                   HandlerPlace<Signature>& place, Arguments&&... arguments) {
  if (!place) return {};
  auto running = place.take();
  Called called;
  called.thrown =
      run_guarded(loop, where, [&] { running.handler(std::forward<Arguments>(arguments)...); });
  called.gone = !owner;
  if (!called.gone) place.put_back(std::move(running));
  return called;
}

/// Calls a handler, if there is one, for the only time. Returns its exception, or null.
template <class Function, class... Arguments>
std::exception_ptr call_and_forget(Loop& loop, const char* where, Function& handler,
                                   Arguments&&... arguments) {
  if (!handler) return nullptr;
  Function running = std::exchange(handler, nullptr);
  return run_guarded(loop, where, [&] { running(std::forward<Arguments>(arguments)...); });
}

/// Handlers' exceptions not yet reported to Loop::on_exception().
class ExceptionReports {
 public:
  HandlerPlace<void(std::string_view, std::exception_ptr)> handler;

  void add(const char* where, const std::exception_ptr& thrown) noexcept;

  [[nodiscard]] bool empty() const noexcept { return reports_.empty(); }

  /// Reports all earlier ones to the handler; without one, to standard error. Returns the first
  /// exception that the handler threw, or null.
  [[nodiscard]] std::exception_ptr deliver() noexcept;

 private:
  struct Report {
    const char* where;
    std::exception_ptr thrown;
  };

  std::vector<Report> reports_;
};

}  // namespace quoin::inline v0
