// SPDX-License-Identifier: MIT
/// How a task handles a request: the part of quoin/coro/http.hpp that programs do not name.
#pragma once

#include <quoin/version.hpp>

#include <memory>

#include <quoin/coro/task.hpp>
#include <quoin/export.hpp>
#include <quoin/loop.hpp>
#include <quoin/request.hpp>

namespace quoin::inline v0::detail {

/// Runs a handler's task for as long as the stream of the request.
QUOIN_EXPORT void run_handler(Loop& loop, Response response, Task<> task,
                              std::shared_ptr<void> owner);

}  // namespace quoin::inline v0::detail
