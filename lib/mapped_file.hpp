// SPDX-License-Identifier: MIT
/// A file's bytes in memory without reading them. Not public; SharedBytes::map_file() is.
#pragma once

#include <cstddef>
#include <string>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>

namespace quoin {

/// The first `size` bytes of the regular file behind `descriptor`, which need not stay open.
/// Errors: system, with `name`.
[[nodiscard]] Result<SharedBytes> map_descriptor(int descriptor, std::size_t size,
                                                 const std::string& name);

}  // namespace quoin
