// SPDX-License-Identifier: MIT
/// Stream: looks up the host that the handle names and passes the call on. Stream::connection() is
/// with Connection, in lib/plain.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/handle.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/stream.hpp>
#include <quoin/streaming.hpp>

#include "base/handle.hpp"
#include "loop/stream_host.hpp"

namespace quoin::inline v0 {
namespace {

/// Null when the stream is gone.
StreamHost* find_host(const Handle& handle) noexcept { return resolve_as<StreamHost>(handle); }

}  // namespace

quic::StreamId Stream::id() const noexcept {
  const auto* const host = find_host(handle_);
  return host == nullptr ? quic::no_stream : host->stream_id();
}

void Stream::on_data(Reader reader) const {
  if (auto* const host = find_host(handle_)) host->set_reader(std::move(reader));
}

void Stream::on_reset(std::move_only_function<void(std::uint64_t)> handler) const {
  if (auto* const host = find_host(handle_)) host->set_on_reset(std::move(handler));
}

std::size_t Stream::write(Bytes data, bool last) const {
  auto* const host = find_host(handle_);
  return host == nullptr ? 0 : host->write(data, last);
}

bool Stream::write_shared(SharedBytes data, bool last) const {
  auto* const host = find_host(handle_);
  return host != nullptr && host->write_shared(std::move(data), last);
}

std::size_t Stream::room() const noexcept {
  const auto* const host = find_host(handle_);
  return host == nullptr ? 0 : host->room();
}

void Stream::on_writable(std::move_only_function<void()> handler) const {
  if (auto* const host = find_host(handle_)) host->set_on_writable(std::move(handler));
}

void Stream::source(Writer writer) const {
  if (auto* const host = find_host(handle_)) host->set_writer(std::move(writer));
}

void Stream::on_stop_sending(std::move_only_function<void(std::uint64_t)> handler) const {
  if (auto* const host = find_host(handle_)) host->set_on_stop_sending(std::move(handler));
}

Result<> Stream::prioritize(quic::StreamPriority priority) const {
  auto* const host = find_host(handle_);
  if (host == nullptr) return std::unexpected(Error{UsageError::stale_handle});
  return host->prioritize(priority);
}

void Stream::resume() const {
  if (auto* const host = find_host(handle_)) host->resume();
}

void Stream::reset(std::uint64_t code) const {
  if (auto* const host = find_host(handle_)) host->reset(code);
}

void Stream::stop_sending(std::uint64_t code) const {
  if (auto* const host = find_host(handle_)) host->stop_sending(code);
}

void Stream::on_closed(std::move_only_function<void(const Error&)> handler) const {
  if (auto* const host = find_host(handle_)) host->set_on_closed(std::move(handler));
}

}  // namespace quoin::inline v0
