// SPDX-License-Identifier: MIT
/// Looks names up in threads of its own, so that a slow name server holds nobody up. Not public.
#pragma once

#include <memory>

#include <quoin/client.hpp>
#include <quoin/loop.hpp>

namespace quoin::inline v0 {

/// A Resolver that asks the system. When it is destroyed, nobody waits for look-ups that are under
/// way: their threads end by themselves and their results are dropped.
[[nodiscard]] Resolver system_resolver(Loop& loop);

}  // namespace quoin::inline v0
