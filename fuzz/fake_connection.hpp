// SPDX-License-Identifier: MIT
/// A QUIC connection that a fuzz target plays itself: it defines the members of quic::Connection
/// that an HTTP/3 session calls, so it must not be linked with the engine's. It checks that a
/// session gives back no more credit than it was given bytes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <span>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::quic {

/// One end, without another.
struct Connection::Impl {
  explicit Impl(bool is_server) : server(is_server) {}

  bool server;
  Connection handle{*this};
  std::int64_t opened[2] = {0, 0};  ///< unidirectional, bidirectional
  std::uint64_t received = 0;
  std::uint64_t consumed = 0;
  std::optional<Error> closed;
  std::mt19937_64 random{7};
};

bool Connection::is_server() const noexcept { return impl_->server; }

bool Connection::is_early() const noexcept { return false; }

Result<StreamId> Connection::open_stream(bool bidirectional) {
  if (impl_->closed) return std::unexpected(Error{UsageError::closed});
  const std::int64_t ordinal = impl_->opened[bidirectional ? 1 : 0]++;
  return StreamId{ordinal * 4 + (bidirectional ? 0 : 2) + (impl_->server ? 1 : 0)};
}

std::uint64_t Connection::streams_left(bool /*bidirectional*/) const noexcept { return 100; }

void Connection::want_write() noexcept {}

void Connection::consume(StreamId /*stream*/, std::size_t bytes) {
  impl_->consumed += bytes;
  if (impl_->consumed > impl_->received) std::abort();
}

void Connection::reset_stream(StreamId /*stream*/, std::uint64_t /*code*/) {}

void Connection::stop_sending(StreamId /*stream*/, std::uint64_t /*code*/) {}

void Connection::fill_random(std::span<std::byte> out) {
  for (std::byte& b : out) b = static_cast<std::byte>(impl_->random());
}

std::size_t Connection::max_datagram_size() const noexcept { return 1200; }

Result<DatagramId> Connection::send_datagram(Bytes /*data*/) { return DatagramId{}; }

Time Connection::now() const noexcept { return Time{std::chrono::seconds{1}}; }

void Connection::close(const Error& reason) {
  if (!impl_->closed) impl_->closed = reason;
}

}  // namespace quoin::inline v0::quic
