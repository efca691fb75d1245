// SPDX-License-Identifier: MIT
/// Randomness for what runs on a loop. Not public.
#pragma once

#include <cstddef>
#include <span>

#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/endpoint.hpp>

namespace quoin::inline v0 {

/// Randomness from the loop's backend, which in a simulation is reproducible.
[[nodiscard]] inline quic::RandomSource random_of(Loop& loop) {
  return [&backend = loop.backend()](std::span<std::byte> out) { backend.fill_random(out); };
}

}  // namespace quoin::inline v0
