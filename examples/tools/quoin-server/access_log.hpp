// SPDX-License-Identifier: MIT
/// The access log: a line for each request that is over, on standard output. Not the log of
/// connections, which --verbose asks for.
#pragma once

#include <ctime>
#include <string>

#include <quoin/loop.hpp>
#include <quoin/server.hpp>

namespace quoin::tools {

/// The line, in the combined log format that log analysers know, with the duration added and
/// without the end of line. What clients sent is escaped: no client can write a line of its own
/// or colour the terminal.
[[nodiscard]] std::string access_line(const Access& access, std::time_t now);

/// Collects lines briefly and writes them together, so that a log in a pipe or file keeps up with
/// many requests.
class AccessLog {
 public:
  explicit AccessLog(Loop& loop) noexcept : loop_(loop) {}

  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// Writes what is left.
  ~AccessLog() { flush(); }

  void add(const Access& access);

 private:
  void flush() noexcept;

  Loop& loop_;
  std::string pending_;
};

}  // namespace quoin::tools
