// SPDX-License-Identifier: MIT
/// Checks that a folder which the user named can be used, before anything depends on it.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/failure.hpp"

namespace quoin::tools {

/// Says what is wrong with the folder of `option`: it must be there, be a folder, and allow
/// `access` (R_OK and so on). `advice` ends the message when there is no such folder.
[[nodiscard]] Expected<> check_folder(std::string_view option, const std::filesystem::path& folder,
                                      int access, std::string_view advice, int exit_code);

}  // namespace quoin::tools
