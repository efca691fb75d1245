// SPDX-License-Identifier: MIT
/// How streams and message bodies move: the functions with which an application reads and writes
/// bytes. One rule for both directions: what is not taken, or not made, waits.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <functional>
#include <span>

#include <quoin/bytes.hpp>

namespace quoin::inline v0 {

/// Takes received bytes and returns how many it took. `chunk` is valid for the call and empty only
/// together with `last`, the end of the stream. Bytes not taken stay under flow control, so that
/// the sender slows down, and are offered again after resume() or when the same stream becomes
/// writable. It is not called again after it took all bytes up to `last`, nor after it has thrown,
/// which ends the stream.
using Reader = std::move_only_function<std::size_t(Bytes chunk, bool last)>;

/// What a Writer has produced.
struct Filled {
  std::size_t bytes = 0;  ///< how many bytes of the room are filled, from its front
  bool last = false;      ///< the stream ends behind them
  bool failed = false;    ///< the rest cannot be had: the stream is reset, so that nobody takes
                          ///< what was sent for the whole
};

/// Fills `room`, which is valid for the call and never empty, and returns how much of it. {0,
/// false} pauses until resume(). It is called when there is room to send, and not again after
/// `last` or `failed`, or after it has thrown, which counts as `failed`.
using Writer = std::move_only_function<Filled(std::span<std::byte> room)>;

}  // namespace quoin::inline v0
