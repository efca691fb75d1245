// SPDX-License-Identifier: MIT
/// How Server and Client name their connections, whatever version of HTTP those speak. Not public.
#pragma once

#include <cstdint>

namespace quoin::inline v0 {

/// A connection of one server or client, which counts them from 1 as ConnectionInfo::number says.
/// No number is used twice, so that of a connection that is gone names none.
enum class ConnectionNumber : std::uint64_t { none = 0 };

}  // namespace quoin::inline v0
