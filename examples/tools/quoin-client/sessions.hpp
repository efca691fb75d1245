// SPDX-License-Identifier: MIT
/// The file of --session. What is in it is Client::save_sessions()'s business.
#pragma once

#include <string>
#include <string_view>

#include "common/failure.hpp"

namespace quoin::tools {

/// The file's content; empty if there is no such file.
[[nodiscard]] Expected<std::string> read_sessions(const std::string& file);
/// Replaces the file as a whole by one that nobody else can read.
[[nodiscard]] Expected<> write_sessions(const std::string& file, std::string_view sessions);

}  // namespace quoin::tools
