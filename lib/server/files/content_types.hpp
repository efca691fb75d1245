// SPDX-License-Identifier: MIT
/// Which media type a file is said to have, by its name alone. Not public.
#pragma once

#include <string_view>

namespace quoin::inline v0 {

/// The type for the extension of `name`, in any case, with a charset for text; empty if unknown.
[[nodiscard]] std::string_view content_type_of(std::string_view name) noexcept;

}  // namespace quoin::inline v0
