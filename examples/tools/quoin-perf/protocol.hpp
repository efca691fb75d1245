// SPDX-License-Identifier: MIT
/// The QUIC performance protocol on streams: the number that a client begins with, and zeros.
/// See draft-banks-quic-performance.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>

namespace quoin::tools {

/// The protocol's name in TLS.
inline constexpr std::string_view perf_alpn = "perf";

/// What a client begins each stream with: how many bytes it wants, in network order.
using PerfRequest = std::array<std::byte, 8>;

[[nodiscard]] PerfRequest encode_request(std::uint64_t bytes) noexcept;

/// Assembles a request that may arrive in pieces.
class RequestReader {
 public:
  /// Takes what belongs to the request off the front of `data`.
  void take(Bytes data) noexcept;

  [[nodiscard]] bool is_complete() const noexcept { return size_ == request_.size(); }

  /// The requested number of bytes, once complete.
  [[nodiscard]] std::uint64_t wanted() const noexcept;

 private:
  PerfRequest request_{};
  std::size_t size_ = 0;
};

/// Sends this many zeros, then the end of the stream, as the stream has room.
void send_zeros(Stream stream, std::uint64_t bytes);

}  // namespace quoin::tools
