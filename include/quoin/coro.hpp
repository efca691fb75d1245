// SPDX-License-Identifier: MIT
/// Coroutines over the callbacks of the library: all of quoin/coro/. Opt-in, and not a framework:
/// nothing in the library needs it, and its operations can be awaited by coroutines of any type.
#pragma once

#include <quoin/version.hpp>

#include <quoin/coro/combine.hpp>    // IWYU pragma: export
#include <quoin/coro/group.hpp>      // IWYU pragma: export
#include <quoin/coro/http.hpp>       // IWYU pragma: export
#include <quoin/coro/operation.hpp>  // IWYU pragma: export
#include <quoin/coro/quic.hpp>       // IWYU pragma: export
#include <quoin/coro/task.hpp>       // IWYU pragma: export
