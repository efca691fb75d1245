// SPDX-License-Identifier: MIT
/// See protocol.hpp.
#include "quoin-perf/protocol.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>

namespace quoin::tools {

namespace {

constexpr std::size_t block_size = 64 * 1024;

// As much as there is room for; true: all of it.
bool push(const Stream& stream, std::uint64_t& left) {
  static const SharedBytes zeros{std::string(block_size, '\0')};
  do {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, block_size));
    if (!stream.write_shared(zeros.part(0, part), part == left)) return false;
    left -= part;
  } while (left != 0);
  return true;
}

}  // namespace

PerfRequest encode_request(std::uint64_t bytes) noexcept {
  PerfRequest request{};
  for (std::size_t i = request.size(); i-- > 0; bytes >>= 8U) {
    request[i] = static_cast<std::byte>(bytes & 0xffU);
  }
  return request;
}

void RequestReader::take(Bytes data) noexcept {
  const std::size_t wanted = std::min(data.size(), request_.size() - size_);
  std::ranges::copy(data.first(wanted), request_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += wanted;
}

std::uint64_t RequestReader::wanted() const noexcept {
  std::uint64_t bytes = 0;
  for (const std::byte octet : request_) {
    bytes = bytes << 8U | std::to_integer<std::uint64_t>(octet);
  }
  return bytes;
}

void send_zeros(Stream stream, std::uint64_t bytes) {
  if (push(stream, bytes)) return;
  stream.on_writable([stream, bytes]() mutable { (void)push(stream, bytes); });
}

}  // namespace quoin::tools
