// SPDX-License-Identifier: MIT
/// Counts what this program allocates, by whomever: operator new and the C libraries come to
/// malloc() in the end. For a program of its own, because it replaces malloc().
#pragma once

#include <cstdint>

namespace quoin::test {

/// Calls of malloc(), calloc(), realloc() and their likes so far.
[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace quoin::test
