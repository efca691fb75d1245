// SPDX-License-Identifier: MIT
/// See folder.hpp.
#include "common/folder.hpp"

#include <cerrno>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include "common/failure.hpp"
#include "common/text.hpp"

namespace quoin::tools {

Expected<> check_folder(std::string_view option, const std::filesystem::path& folder, int access,
                        std::string_view advice, int exit_code) {
  namespace fs = std::filesystem;
  std::string problem;
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) {
    problem = "does not exist; " + std::string{advice};
  } else if (error) {
    problem = "cannot be used: " + error.message();
  } else if (status.type() != fs::file_type::directory) {
    problem = "is not a directory; " + std::string{advice};
  } else if (::access(folder.c_str(), access) != 0) {
    problem =
        "cannot be used: " + std::generic_category().message(errno) + "; check its permissions";
  } else {
    return {};
  }
  return std::unexpected(
      Failure{.exit_code = exit_code,
              .message = std::string{option} + ": " + in_quotes(folder.string()) + " " + problem});
}

}  // namespace quoin::tools
