// SPDX-License-Identifier: MIT
/// Reporting exceptions of handlers.
#include "loop/call_in_place.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::inline v0 {

std::string message_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something other than a std::exception";
  }
}

void print_exception(std::string_view where, const std::exception_ptr& thrown) noexcept {
  try {
    const std::string line =
        "quoin: exception from " + std::string{where} + ": " + message_of(thrown) + '\n';
    std::fputs(line.c_str(), stderr);
  } catch (...) {
    std::fputs("quoin: exception from a handler, and no memory to report it\n", stderr);
  }
}

void ExceptionReports::add(const char* where, const std::exception_ptr& thrown) noexcept {
  try {
    reports_.push_back({where, thrown});
  } catch (...) {
    print_exception(where, thrown);  // there is no memory to keep it
  }
}

std::exception_ptr ExceptionReports::deliver() noexcept {
  std::exception_ptr first;
  for (const Report& report : std::exchange(reports_, {})) {
    if (!handler) {
      print_exception(report.where, report.thrown);
      continue;
    }
    auto running = handler.take();
    try {
      running.handler(report.where, report.thrown);
    } catch (...) {
      if (!first) first = std::current_exception();
    }
    handler.put_back(std::move(running));
  }
  return first;
}

}  // namespace quoin::inline v0
