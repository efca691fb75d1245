// SPDX-License-Identifier: MIT
/// Checks early that a folder the user named can be used.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/failure.hpp"

namespace quoin::tools {

/// Reports what is wrong with the folder of `option`: it must exist, be a folder, and allow
/// `access` (R_OK and so on). `advice` ends the message when there is no such folder.
[[nodiscard]] Expected<> check_folder(std::string_view option, const std::filesystem::path& folder,
                                      int access, std::string_view advice, int exit_code);

}  // namespace quoin::tools
