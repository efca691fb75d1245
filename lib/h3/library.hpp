// SPDX-License-Identifier: MIT
/// Whether the linked nghttp3 is the one quoin was compiled for.
#pragma once

#include <quoin/error.hpp>

namespace quoin::inline v0::h3 {

/// To be called before the first session. Errors: UsageError::unsupported with both versions; an
/// older library would abort the process as soon as it is used (integration rule 40).
[[nodiscard]] Result<> check_library();

}  // namespace quoin::inline v0::h3
