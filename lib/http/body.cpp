// SPDX-License-Identifier: MIT
/// Moving message bodies: readers and writers are taken out of their place while they run, so that
/// they may replace or drop themselves.
#include "http/body.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/headers.hpp>
#include <quoin/streaming.hpp>

#include "h3/session_access.hpp"
#include "loop/call_in_place.hpp"
#include "quic/streams/block_pool.hpp"

namespace quoin::inline v0 {
namespace {

void end_with(h3::Session& session, quic::StreamId stream, const Headers& trailers, Moved& moved) {
  if (trailers.empty()) return;
  const Result<> sent = session.write_trailers(stream, trailers);
  // A stream that is already closed needs none.
  if (sent || sent.error() == Error{UsageError::stale_handle} ||
      sent.error() == Error{UsageError::closed}) {
    return;
  }
  moved.failed = true;
  moved.why = "trailers: " + sent.error().message();
}

}  // namespace

std::optional<std::uint64_t> content_length_of(const Headers& headers) noexcept {
  const std::string_view text = headers.get("content-length").value_or("");
  std::uint64_t size = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (text.empty() || problem != std::errc{} || end != text.data() + text.size()) return {};
  return size;
}

void Outgoing::promise(std::optional<std::uint64_t> size) noexcept { promised_ = size; }

// Returns whether a body with this many more bytes can still match its announced length.
bool Outgoing::keeps_promise(std::uint64_t bytes, bool last, Moved& moved) {
  if (!promised_) return true;
  if (bytes > *promised_ || (last && bytes < *promised_)) {
    moved.failed = true;
    moved.why = bytes > *promised_ ? "the body is longer than its content-length"
                                   : "the body is " + std::to_string(*promised_ - bytes) +
                                         " bytes shorter than its content-length";
    return false;
  }
  *promised_ -= bytes;
  return true;
}

void Outgoing::set(SharedBytes data) {
  data_ = std::move(data);
  pending_ = true;
}

void Outgoing::set(Writer writer) {
  writer_ = std::move(writer);
  pending_ = true;
}

void Outgoing::drop() noexcept {
  pending_ = false;
  writer_ = nullptr;
  data_ = {};
}

Moved Outgoing::move(h3::Session& session, quic::StreamId stream, const Headers& trailers,
                     quic::LargeBlockPtr& scratch, const BodyCalls& calls) {
  if (!pending_) return {};
  return writer_ ? move_written(session, stream, trailers, scratch, calls)
                 : move_shared(session, stream, trailers);
}

Moved Outgoing::move_shared(h3::Session& session, quic::StreamId stream, const Headers& trailers) {
  Moved moved;
  const std::size_t size = data_.view().size();
  if (!keeps_promise(size, true, moved)) return moved;
  if (!session.write(stream, data_, trailers.empty())) {
    if (promised_) *promised_ += size;
    return moved;
  }
  moved.bytes = size;
  drop();
  end_with(session, stream, trailers, moved);
  return moved;
}

Moved Outgoing::move_written(h3::Session& session, quic::StreamId stream, const Headers& trailers,
                             quic::LargeBlockPtr& scratch, const BodyCalls& calls) {
  Moved moved;
  if (!scratch) scratch = std::make_unique_for_overwrite<quic::LargeBlock>();
  while (pending_ && !paused_ && !calls.stopped) {
    const std::size_t room = std::min(session.room(stream), quic::LargeBlock::size);
    if (room == 0) break;
    Filled filled;
    Writer running = std::exchange(writer_, nullptr);
    const std::exception_ptr thrown = run_guarded(
        calls.loop, calls.where, [&] { filled = running(std::span{scratch->bytes}.first(room)); });
    if (thrown) {
      filled.failed = moved.threw = true;
      moved.why = message_of(thrown);
    }
    if (!pending_) break;  // it has dropped itself, by a reset for example
    writer_ = std::move(running);
    if (filled.failed || filled.bytes > room) {
      if (moved.why.empty()) moved.why = "the writer of the body failed";
      moved.failed = true;
      break;
    }
    if (!keeps_promise(filled.bytes, filled.last, moved)) break;
    // The writer may have added trailers just now.
    const bool ends = filled.last && trailers.empty();
    moved.bytes += h3::SessionAccess::write(session, stream, scratch, filled.bytes, ends);
    if (filled.last) {
      pending_ = false;
      end_with(session, stream, trailers, moved);
    }
    if (filled.bytes == 0) paused_ = !filled.last;
  }
  if (!pending_ || moved.failed) drop();
  return moved;
}

void Incoming::set(Reader reader) {
  if (over_) return;
  reader_ = std::move(reader);
}

void Incoming::drop() noexcept { reader_ = nullptr; }

// Calls the reader and returns how much it took.
std::size_t Incoming::offer(Bytes data, bool last, const BodyCalls& calls, Moved& moved) {
  auto running = reader_.take();
  std::size_t taken = 0;
  running_ = true;
  const std::exception_ptr thrown = run_guarded(
      calls.loop, calls.where, [&] { taken = std::min(running.handler(data, last), data.size()); });
  running_ = false;
  if (thrown) {
    moved.failed = moved.threw = true;
    moved.why = message_of(thrown);
  }
  reader_.put_back(std::move(running));
  over_ = over_ || (last && taken == data.size() && !moved.failed);
  moved.bytes += taken;
  return taken;
}

Moved Incoming::move(h3::Session& session, quic::StreamId stream, const BodyCalls& calls) {
  Moved moved;
  while (reader_ && !calls.stopped) {
    const h3::Chunk chunk = session.read(stream);
    const std::size_t size = chunk.data.size();
    if (size == 0 && !chunk.last) break;
    const std::size_t taken = offer(chunk.data, chunk.last, calls, moved);
    session.consume(stream, taken);
    if (over_ || moved.failed) drop();
    if (taken < size) break;
  }
  return moved;
}

bool Incoming::keep_rest(h3::Session& session, quic::StreamId stream) {
  std::string kept;
  while (true) {
    const h3::Chunk chunk = session.read(stream);
    if (chunk.data.empty() && !chunk.last) return false;
    kept += as_text(chunk.data);
    if (chunk.last) break;
    session.consume(stream, chunk.data.size());
  }
  rest_ = std::move(kept);
  return true;
}

Moved Incoming::move_rest(const BodyCalls& calls) {
  Moved moved;
  while (reader_ && !calls.stopped) {
    const Bytes left = as_bytes(*rest_).subspan(rest_taken_);
    const std::size_t taken = offer(left, true, calls, moved);
    rest_taken_ += taken;
    if (over_ || moved.failed) drop();
    if (taken < left.size()) break;
  }
  return moved;
}

}  // namespace quoin::inline v0
