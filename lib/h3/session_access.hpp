// SPDX-License-Identifier: MIT
/// What the facade may do with a session beyond its public interface: hand it memory that a writer
/// has filled. Not public.
#pragma once

#include <cstddef>

#include <quoin/h3/session.hpp>
#include <quoin/quic/application.hpp>

#include "quic/streams/block_pool.hpp"

namespace quoin::inline v0::h3 {

struct SessionAccess {
  /// Like Session::write() for the first `bytes` of a block, no more than room(). Large amounts are
  /// not copied: then the block is kept and replaced by another.
  static std::size_t write(Session& session, quic::StreamId stream, quic::LargeBlockPtr& block,
                           std::size_t bytes, bool last);
};

}  // namespace quoin::inline v0::h3
