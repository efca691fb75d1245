// SPDX-License-Identifier: MIT
/// Files in which a run keeps something for the next one, --session and --alt-svc.
#pragma once

#include <string>
#include <string_view>

#include "common/failure.hpp"

namespace quoin::tools {

/// The file's content; empty if there is no such file.
[[nodiscard]] Expected<std::string> read_kept(std::string_view option, const std::string& file);
/// Replaces the file as a whole by one that nobody else can read.
[[nodiscard]] Expected<> write_kept(std::string_view option, const std::string& file,
                                    std::string_view content);

/// The file of an earlier run is not what its option wants.
[[nodiscard]] std::unexpected<Failure> unusable_kept(std::string_view option,
                                                     const std::string& file,
                                                     const std::string& why);

}  // namespace quoin::tools
