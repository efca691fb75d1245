// SPDX-License-Identifier: MIT
/// The answering side.
#pragma once

#include <quoin/connection.hpp>

namespace quoin::tools {

/// Answers every stream of this connection: those of both directions get what they ask for when
/// they have ended, those of one direction are read to their end.
void answer_streams(const Connection& connection);

}  // namespace quoin::tools
