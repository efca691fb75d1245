// SPDX-License-Identifier: MIT
/// See access_log.hpp.
#include "quoin-server/access_log.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

#include <quoin/headers.hpp>
#include <quoin/server.hpp>

#include "common/text.hpp"

namespace quoin::tools {

namespace {

std::string log_time(std::time_t now) {
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%d/%b/%Y:%H:%M:%S +0000", &parts);
  return {text.data(), size};
}

std::string quoted(std::string_view text) {
  return "\"" + (text.empty() ? "-" : printable(text, true)) + "\"";
}

}  // namespace

std::string access_line(const Access& access, std::time_t now) {
  const Outcome& outcome = access.outcome;
  std::string line = access.peer.host() + " - - [" + log_time(now) + "] \"";
  line += printable(access.method, true) + " " + printable(access.target, true) + " HTTP/3\" ";
  line += outcome.status == 0 ? "-" : std::to_string(outcome.status);
  line += " " + std::to_string(outcome.bytes_sent);
  line += " " + quoted(access.headers.get("referer").value_or(""));
  line += " " + quoted(access.headers.get("user-agent").value_or(""));
  line += " " + fixed(static_cast<double>(outcome.duration.count()) / 1e6, 3) + "ms";
  if (outcome.error) {
    line.append(" ").append(outcome.error.name());
  }
  return line;
}

void AccessLog::add(const Access& access) {
  if (pending_.empty()) {
    constexpr std::chrono::milliseconds moment{20};
    loop_.after(moment, [this] { flush(); });
  }
  pending_ += access_line(access, std::time(nullptr)) += '\n';
  constexpr std::size_t plenty = 64 * 1024;
  if (pending_.size() > plenty) {
    flush();
  }
}

void AccessLog::flush() noexcept {
  std::fwrite(pending_.data(), 1, pending_.size(), stdout);
  std::fflush(stdout);
  pending_.clear();
}

}  // namespace quoin::tools
