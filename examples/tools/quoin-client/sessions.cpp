// SPDX-License-Identifier: MIT
/// See sessions.hpp.
#include "quoin-client/sessions.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "common/unique_fd.hpp"
#include "quoin-client/exit_code.hpp"

namespace quoin::tools {

namespace {

std::unexpected<Failure> fail(ClientExit code, std::string_view verb, std::string_view option,
                              const std::string& file) {
  return std::unexpected(Failure{.exit_code = number(code),
                                 .message = "cannot " + std::string{verb} + " " +
                                            std::string{option} + " " + in_quotes(file) + ": " +
                                            std::generic_category().message(errno)});
}

}  // namespace

Expected<std::string> read_kept(std::string_view option, const std::string& file) {
  const UniqueFd opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!opened.is_open()) {
    if (errno == ENOENT) return std::string{};
    return fail(ClientExit::read_error, "read", option, file);
  }
  std::string content;
  std::array<char, 65536> part{};
  for (;;) {
    const ssize_t got = ::read(opened.value(), part.data(), part.size());
    if (got < 0) return fail(ClientExit::read_error, "read", option, file);
    if (got == 0) return content;
    content.append(part.data(), static_cast<std::size_t>(got));
  }
}

Expected<> write_kept(std::string_view option, const std::string& file, std::string_view content) {
  std::string temporary = file + ".XXXXXX";
  const UniqueFd made{::mkostemp(temporary.data(), O_CLOEXEC)};  // for its owner only
  if (!made.is_open()) return fail(ClientExit::write_error, "write", option, file);
  while (!content.empty()) {
    const ssize_t put = ::write(made.value(), content.data(), content.size());
    if (put < 0) {
      const auto failed = fail(ClientExit::write_error, "write", option, file);
      ::unlink(temporary.c_str());
      return failed;
    }
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  if (std::rename(temporary.c_str(), file.c_str()) != 0) {
    const auto failed = fail(ClientExit::write_error, "write", option, file);
    ::unlink(temporary.c_str());
    return failed;
  }
  return {};
}

std::unexpected<Failure> unusable_kept(std::string_view option, const std::string& file,
                                       const std::string& why) {
  return std::unexpected(Failure{.exit_code = number(ClientExit::read_error),
                                 .message = "cannot use " + std::string{option} + " " +
                                            in_quotes(file) + ": " + why +
                                            "; remove the file, or name another"});
}

}  // namespace quoin::tools
