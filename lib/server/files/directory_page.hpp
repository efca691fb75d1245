// SPDX-License-Identifier: MIT
/// The HTML page that lists a directory. Reads nothing itself. Not public.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/files/safe_directory.hpp"

namespace quoin::inline v0 {

/// `path` is the directory's path, decoded, with "/" at both ends.
[[nodiscard]] std::string directory_page(std::string_view path,
                                         const std::vector<DirectoryEntry>& entries);

}  // namespace quoin::inline v0
