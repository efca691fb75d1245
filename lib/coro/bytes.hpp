// SPDX-License-Identifier: MIT
/// What the awaitable readers of bodies and streams share. Not public.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/coro/operation.hpp>
#include <quoin/error.hpp>

namespace quoin::inline v0 {

/// The reading side: bytes are taken only while a coroutine waits for them.
struct ReadSide {
  std::optional<Completion<Result<SharedBytes>>> waiting;
  std::optional<Error> failure;
  bool ended = false;  ///< all was read, or will never be
  bool gone = false;   ///< the library has destroyed the reader

  /// The waiting coroutine is told in one of the next turns: this may be a call by the application.
  void abandon() {
    gone = true;
    waiting.reset();
  }

  void finish(Result<SharedBytes> outcome) {
    if (!waiting) return;
    auto done = std::move(*waiting);
    waiting.reset();
    done(std::move(outcome));
  }

  void fail(const Error& error) {
    if (!failure) failure = error;
    finish(std::unexpected(*failure));
  }
};

/// The Reader of an owner with a member `input`: gives a chunk to the waiting coroutine.
template <class Owner>
std::size_t take_bytes(Owner& owner, Bytes chunk, bool last) {
  ReadSide& input = owner.input;
  if (!input.waiting && !chunk.empty()) return 0;
  input.ended = input.ended || last;
  const std::size_t size = chunk.size();
  input.finish(SharedBytes{std::vector<std::byte>{chunk.begin(), chunk.end()}});
  return size;
}

/// Begins a read; `resume` has the reader offered what there is.
template <class Owner, class Resume>
Operation<Result<SharedBytes>> begin_read(const std::shared_ptr<Owner>& owner, Resume resume) {
  ReadSide& input = owner->input;
  if (input.failure) return ready_operation<Result<SharedBytes>>(std::unexpected(*input.failure));
  if (input.ended) return ready_operation<Result<SharedBytes>>(SharedBytes{});
  if (input.gone || input.waiting) {
    const Error error = input.gone ? Error{UsageError::closed, "the stream is over"}
                                   : Error{UsageError::limit_reached, "one read at a time"};
    return ready_operation<Result<SharedBytes>>(std::unexpected(error));
  }
  Operation<Result<SharedBytes>> operation;
  input.waiting = operation.completion();
  operation.on_cancel([owner] { owner->input.waiting.reset(); });
  resume();
  return operation;
}

}  // namespace quoin::inline v0
