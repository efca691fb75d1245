// SPDX-License-Identifier: MIT
/// Moving message bodies: an application's closure is taken out of its place while it runs, so
/// that it may replace or drop itself.
#include "body.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/transfer.hpp>

namespace quoin {

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

Moved Outgoing::move(h3::Session& session, quic::StreamId stream, bool ends,
                     std::span<std::byte> scratch, const bool& stopped) {
  if (!pending_) return {};
  return writer_ ? move_written(session, stream, ends, scratch, stopped)
                 : move_shared(session, stream, ends);
}

Moved Outgoing::move_shared(h3::Session& session, quic::StreamId stream, bool ends) {
  const std::size_t size = data_.view().size();
  if (!session.write(stream, data_, ends)) return {};
  drop();
  return {.bytes = size, .failed = false, .why = {}};
}

Moved Outgoing::move_written(h3::Session& session, quic::StreamId stream, bool ends,
                             std::span<std::byte> scratch, const bool& stopped) {
  Moved moved;
  while (pending_ && !paused_ && !stopped) {
    const std::size_t room = std::min(session.room(stream), scratch.size());
    if (room == 0) break;
    Filled filled;
    Writer running = std::exchange(writer_, nullptr);
    try {
      filled = running(scratch.first(room));
    } catch (const std::exception& error) {
      filled.failed = true;
      moved.why = error.what();
    } catch (...) {
      filled.failed = true;
      moved.why = "unknown exception";
    }
    if (!pending_) break;  // it has dropped itself, by a reset say
    writer_ = std::move(running);
    if (filled.failed || filled.bytes > room) {
      if (moved.why.empty()) moved.why = "the writer of the body failed";
      moved.failed = true;
      break;
    }
    moved.bytes += session.write(stream, scratch.first(filled.bytes), filled.last && ends);
    if (filled.last) pending_ = false;
    if (filled.bytes == 0) paused_ = !filled.last;
  }
  if (!pending_ || moved.failed) drop();
  return moved;
}

void Incoming::set(Reader reader) {
  if (over_) return;
  reader_ = std::move(reader);
  ++replaced_;
}

void Incoming::drop() noexcept {
  reader_ = nullptr;
  ++replaced_;
}

// Calls the reader and says how much it took.
std::size_t Incoming::offer(Bytes data, bool last, Moved& moved) {
  Reader running = std::exchange(reader_, nullptr);
  const std::uint32_t before = replaced_;
  std::size_t taken = 0;
  running_ = true;
  try {
    taken = std::min(running(data, last), data.size());
  } catch (const std::exception& error) {
    moved.failed = true;
    moved.why = error.what();
  } catch (...) {
    moved.failed = true;
    moved.why = "unknown exception";
  }
  running_ = false;
  if (replaced_ == before) reader_ = std::move(running);
  over_ = over_ || (last && taken == data.size() && !moved.failed);
  moved.bytes += taken;
  return taken;
}

Moved Incoming::move(h3::Session& session, quic::StreamId stream, const bool& stopped) {
  Moved moved;
  while (reader_ && !stopped) {
    const h3::Chunk chunk = session.read(stream);
    const std::size_t size = chunk.data.size();
    if (size == 0 && !chunk.last) break;
    const std::size_t taken = offer(chunk.data, chunk.last, moved);
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

Moved Incoming::move_rest(const bool& stopped) {
  Moved moved;
  while (reader_ && !stopped) {
    const Bytes left = as_bytes(*rest_).subspan(rest_taken_);
    const std::size_t taken = offer(left, true, moved);
    rest_taken_ += taken;
    if (over_ || moved.failed) drop();
    if (taken < left.size()) break;
  }
  return moved;
}

}  // namespace quoin
