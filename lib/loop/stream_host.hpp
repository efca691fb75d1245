// SPDX-License-Identifier: MIT
/// What stands behind a Stream: an interface, so that whatever has streams hands out the same type.
/// Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/handle.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/stream.hpp>
#include <quoin/streaming.hpp>

#include "base/access.hpp"
#include "base/handle.hpp"

namespace quoin::inline v0 {

/// Does what the members of Stream promise, as long as it is there; it calls no handler in them. An
/// implementation has a StreamOwner as its last member: handlers that are destroyed with it then
/// find the stream gone.
class StreamHost {
 public:
  StreamHost() = default;
  StreamHost(const StreamHost&) = delete;
  StreamHost& operator=(const StreamHost&) = delete;
  virtual ~StreamHost() = default;

  [[nodiscard]] virtual quic::StreamId stream_id() const noexcept = 0;

  /// Names what a Connection of plain QUIC names, or nothing.
  [[nodiscard]] virtual Handle connection_handle() const noexcept { return {}; }

  virtual void set_reader(Reader handler) = 0;
  virtual void set_on_reset(std::move_only_function<void(std::uint64_t)> handler) = 0;
  [[nodiscard]] virtual std::size_t write(Bytes data, bool last) = 0;
  [[nodiscard]] virtual bool write_shared(SharedBytes data, bool last) = 0;
  [[nodiscard]] virtual std::size_t room() const noexcept = 0;
  virtual void set_on_writable(std::move_only_function<void()> handler) = 0;
  virtual void set_writer(Writer handler) = 0;
  virtual void set_on_stop_sending(std::move_only_function<void(std::uint64_t)> handler) = 0;
  [[nodiscard]] virtual Result<> prioritize(quic::StreamPriority priority) = 0;
  virtual void resume() = 0;
  virtual void reset(std::uint64_t code) = 0;
  virtual void stop_sending(std::uint64_t code) = 0;
  virtual void set_on_closed(std::move_only_function<void(const Error&)> handler) = 0;
};

/// Makes a host nameable by Streams. Their handles resolve to StreamHost, never to a type derived
/// from it.
class StreamOwner : public HandleOwner {
 public:
  explicit StreamOwner(StreamHost* host) : HandleOwner(host) {}

  /// The Stream of this host.
  [[nodiscard]] Stream stream() const noexcept { return detail::named<Stream>(handle()); }
};

}  // namespace quoin::inline v0
