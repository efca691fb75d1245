// SPDX-License-Identifier: MIT
/// The one way to call what an application gave the library. A handler may replace itself, destroy
/// its owner, and throw anything: it is back in its place afterwards as if it had returned, and
/// what it threw is on its way to Loop::on_exception(). Who called it ends the stream or request
/// that the call was about, if it was about one. Not public; docs/guide/handlers.md is the rule.
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

/// Where a handler stays between its calls. Who assigns while it runs replaces or removes it.
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

  /// There is one, and it is not being called.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handler_); }

  /// For a call; put_back() follows unless the place is gone by then.
  [[nodiscard]] Running take() noexcept { return {std::exchange(handler_, nullptr), changes_}; }

  /// Destroys it instead if it has been replaced or removed.
  void put_back(Running running) noexcept {
    if (running.changes == changes_) handler_ = std::move(running.handler);
  }

 private:
  Function handler_;
  std::uint32_t changes_ = 0;
};

/// Has Loop::on_exception() told at the end of the turn. `where` must be there for ever.
void report_exception(Loop& loop, const char* where, std::exception_ptr thrown) noexcept;
/// report_exception() for when no loop will turn any more: one line on standard error.
void print_exception(std::string_view where, const std::exception_ptr& thrown) noexcept;
/// What it says, for a log.
[[nodiscard]] std::string message_of(const std::exception_ptr& thrown);

/// Calls `call`, which is application code that is not in a HandlerPlace, and returns what it
/// threw, which is reported then; null if it returned.
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

/// Calls a handler, if there is one, whose place is still there afterwards. Returns what it threw,
/// or null.
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

/// What came of calling a handler that may destroy its place.
struct Called {
  std::exception_ptr thrown;  ///< null: it returned, or there was none
  bool gone = false;          ///< the owner is, with all that it owned
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

/// Calls a handler, if there is one, for the first and last time, wherever it was. Returns what it
/// threw, or null.
template <class Function, class... Arguments>
std::exception_ptr call_and_forget(Loop& loop, const char* where, Function& handler,
                                   Arguments&&... arguments) {
  if (!handler) return nullptr;
  Function running = std::exchange(handler, nullptr);
  return run_guarded(loop, where, [&] { running(std::forward<Arguments>(arguments)...); });
}

/// What handlers threw and Loop::on_exception() was not told yet.
class ExceptionReports {
 public:
  HandlerPlace<void(std::string_view, std::exception_ptr)> handler;

  void add(const char* where, std::exception_ptr thrown) noexcept;

  [[nodiscard]] bool empty() const noexcept { return reports_.empty(); }

  /// Tells the handler of all that was added before; without one, standard error. Returns the first
  /// of what the handler threw, or null.
  [[nodiscard]] std::exception_ptr deliver() noexcept;

 private:
  struct Report {
    const char* where;
    std::exception_ptr thrown;
  };

  std::vector<Report> reports_;
};

}  // namespace quoin::inline v0
