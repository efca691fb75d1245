// SPDX-License-Identifier: MIT
/// See signals.hpp.
#include "common/signals.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <initializer_list>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

#include "common/unique_fd.hpp"

namespace quoin::tools {

SignalWatcher::SignalWatcher(std::initializer_list<int> signals, Handler handler)
    : handler_(std::move(handler)) {
  ::sigemptyset(&watched_);
  for (const int signal : signals) {
    ::sigaddset(&watched_, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &watched_, &before_);
  signals_ = UniqueFd{::signalfd(-1, &watched_, SFD_CLOEXEC)};
  end_ = UniqueFd{::eventfd(0, EFD_CLOEXEC)};
  if (!signals_.is_open() || !end_.is_open()) {
    throw std::system_error{errno, std::generic_category(), "signalfd"};
  }
  thread_ = std::thread{[this] { watch(); }};
}

SignalWatcher::~SignalWatcher() {
  const std::uint64_t one = 1;
  (void)!::write(end_.value(), &one, sizeof one);
  thread_.join();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void SignalWatcher::watch() {
  std::array<pollfd, 2> wanted{pollfd{.fd = signals_.value(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = end_.value(), .events = POLLIN, .revents = 0}};
  while (true) {
    if (::poll(wanted.data(), wanted.size(), -1) < 0) {
      continue;  // EINTR
    }
    if (wanted[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_.value(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      handler_(static_cast<int>(info.ssi_signo));
    }
  }
}

void turn_write_signals_into_errors() noexcept {
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): fails for unknown signals only
  std::signal(SIGXFSZ, SIG_IGN);  // NOLINT(cert-err33-c)
}

}  // namespace quoin::tools
