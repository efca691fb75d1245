// SPDX-License-Identifier: MIT
/// Stream bytes from a peer to an HTTP/3 session. The first byte chooses the role (odd: client);
/// then a list of {what, stream, length in two bytes, bytes}.
#include <cstddef>
#include <cstdint>

#include <quoin/bytes.hpp>
#include <quoin/quic/application.hpp>

#include "input.hpp"
#include "session.hpp"

using namespace quoin;

namespace {

/// Eight streams of either kind; of a kind that the peer can send on.
quic::StreamId stream_id(std::uint8_t number, bool client) {
  const std::int64_t ordinal = number & 7U;
  const bool unidirectional = (number & 8U) != 0;
  if (unidirectional) return quic::StreamId{ordinal * 4 + (client ? 3 : 2)};
  return quic::StreamId{client ? 0 : ordinal * 4};  // a client has opened one
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  const bool client = (input.number() & 1U) != 0;
  fuzz::Session session{!client};
  while (!input.empty()) {
    const std::uint8_t what = input.number();
    const quic::StreamId id = stream_id(input.number(), client);
    const Bytes chunk = input.chunk();
    switch (what & 7U) {
      case 6:
        session.reset(id, chunk.size());
        break;
      case 7:
        if (quic::is_bidirectional(id)) session.stop(id, chunk.size());
        break;
      default:
        session.feed(id, chunk, (what & 1U) != 0);
    }
  }
  session.end();
  return 0;
}
