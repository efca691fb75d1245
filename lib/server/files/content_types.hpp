// SPDX-License-Identifier: MIT
/// The media type to declare for a file, from its name alone. Not public.
#pragma once

#include <string_view>

namespace quoin::inline v0 {

/// The type for the extension of `name`, ignoring case, with a charset for text; empty if unknown.
[[nodiscard]] std::string_view content_type_of(std::string_view name) noexcept;

}  // namespace quoin::inline v0
