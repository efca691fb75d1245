// SPDX-License-Identifier: MIT
/// The text of the file of --alt-svc, which is curl's: a line for each service, with its expiry
/// time.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/alt_svc.hpp>

#include "common/failure.hpp"

namespace quoin::tools {

/// What is still valid at `now`. The failure names the number of a malformed line.
[[nodiscard]] Expected<std::vector<AltSvcEntry>> parse_alt_svc_file(
    std::string_view text, std::chrono::system_clock::time_point now);
/// The text for `entries`, as they are at `now`.
[[nodiscard]] std::string alt_svc_file_text(const std::vector<AltSvcEntry>& entries,
                                            std::chrono::system_clock::time_point now);

/// The content of `file`; nothing if it does not exist or is not named.
[[nodiscard]] Expected<std::vector<AltSvcEntry>> kept_alternatives(const std::string& file);
/// Replaces `file`, if it is named.
[[nodiscard]] Expected<> keep_alternatives(const std::string& file,
                                           const std::vector<AltSvcEntry>& entries);

}  // namespace quoin::tools
