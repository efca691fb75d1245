// SPDX-License-Identifier: MIT
/// Signals as ordinary calls on a thread, where everything is allowed, instead of in a handler,
/// where next to nothing is. Not for SIGPIPE and SIGXFSZ: those are turned into write errors.
#pragma once

#include <csignal>
#include <functional>
#include <initializer_list>
#include <thread>

#include "common/unique_fd.hpp"

namespace quoin::tools {

/// Takes over some signals for the whole process while it lives. Make it before any other thread,
/// so that all threads inherit its signal mask.
class SignalWatcher {
 public:
  /// Called with the signal's number on the watcher's own thread.
  using Handler = std::move_only_function<void(int signal)>;

  SignalWatcher(std::initializer_list<int> signals, Handler handler);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  /// Waits for a handler that is running; signals that arrive later act as before.
  ~SignalWatcher();

 private:
  void watch();

  Handler handler_;
  sigset_t watched_{};
  sigset_t before_{};
  UniqueFd signals_;
  UniqueFd end_;
  std::thread thread_;
};

/// Makes writing to a closed pipe, or beyond the file-size limit, an error of write() instead of
/// the end of the process.
void turn_write_signals_into_errors() noexcept;

}  // namespace quoin::tools
