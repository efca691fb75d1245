// SPDX-License-Identifier: MIT
/// See server.hpp.
#include "quoin-perf/server.hpp"

#include <cstdint>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>

#include "quoin-perf/protocol.hpp"

namespace quoin::tools {

namespace {

// The draft names no codes.
constexpr std::uint64_t no_request = 1;

bool is_bidirectional(const Stream& stream) noexcept {
  return (static_cast<std::uint64_t>(stream.id()) & 2U) == 0;
}

void answer(const Stream& stream) {
  stream.on_data([stream, request = RequestReader{}](Bytes data, bool last) mutable {
    request.take(data);
    if (last && is_bidirectional(stream)) {
      if (request.is_complete()) {
        send_zeros(stream, request.wanted());
      } else {
        stream.reset(no_request);
      }
    }
    return data.size();
  });
}

}  // namespace

void answer_streams(const Connection& connection) { connection.on_stream(answer); }

}  // namespace quoin::tools
