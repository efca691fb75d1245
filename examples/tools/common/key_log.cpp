// SPDX-License-Identifier: MIT
/// See key_log.hpp.
#include "common/key_log.hpp"

#include <cerrno>
#include <cstdlib>
#include <expected>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <quoin/tls.hpp>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "common/unique_fd.hpp"

namespace quoin::tools {

Expected<KeyLogFile> KeyLogFile::open(const std::filesystem::path& file) {
  constexpr int owner_only = 0600;
  UniqueFd descriptor{
      ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, owner_only)};
  if (!descriptor.is_open()) {
    return std::unexpected(Failure{.message = "cannot write the key log " +
                                              in_quotes(file.string()) + ": " +
                                              std::generic_category().message(errno)});
  }
  return KeyLogFile{std::move(descriptor)};
}

void KeyLogFile::write(std::string_view line) const noexcept {
  try {
    std::string text{line};
    text += '\n';
    // One call for the whole line: with O_APPEND that keeps lines of several writers apart.
    (void)!::write(file_.value(), text.data(), text.size());
  } catch (const std::bad_alloc&) {
    // Then this secret is missing from the log.
    return;
  }
}

Expected<> honour_key_log_variable(Tls& tls) {
  // Read before any thread exists that could change the environment.
  const char* const name = std::getenv("SSLKEYLOGFILE");  // NOLINT(concurrency-mt-unsafe)
  if (name == nullptr || *name == '\0') return {};
  Expected<KeyLogFile> file = KeyLogFile::open(name);
  if (!file) {
    file.error().message += "; unset SSLKEYLOGFILE or name a file that can be written";
    return std::unexpected(std::move(file.error()));
  }
  tls.set_key_log([log = std::make_shared<KeyLogFile>(std::move(*file))](std::string_view line) {
    log->write(line);
  });
  return {};
}

}  // namespace quoin::tools
