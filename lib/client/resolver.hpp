// SPDX-License-Identifier: MIT
/// Looks up names in its own threads, so that a slow name server blocks nobody. Not public.
#pragma once

#include <memory>

#include <quoin/client.hpp>
#include <quoin/loop.hpp>

namespace quoin::inline v0 {

/// A Resolver that asks the system. Its destructor does not wait for look-ups under way: their
/// threads end by themselves and their results are dropped.
[[nodiscard]] Resolver system_resolver(Loop& loop);

}  // namespace quoin::inline v0
