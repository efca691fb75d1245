// SPDX-License-Identifier: MIT
/// HTTP datagrams from a peer, between stream bytes, to an HTTP/3 session. The first byte chooses
/// the role (odd: client); then a list of {what, stream, length in two bytes, bytes}: even ones are
/// datagrams, whose stream is ignored, odd ones are stream bytes, the last if bit 1 is set.
#include <cstddef>
#include <cstdint>

#include <quoin/bytes.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/quic/application.hpp>

#include "input.hpp"
#include "session.hpp"

using namespace quoin;

namespace {

h3::Config with_datagrams() {
  h3::Config limits = fuzz::session_limits();
  limits.datagrams = true;
  limits.extended_connect = true;
  limits.datagram_queue = 4;
  return limits;
}

/// Three request streams, and the control stream.
quic::StreamId stream_id(std::uint8_t number, bool client) {
  if ((number & 3U) == 3U) return quic::StreamId{client ? 3 : 2};
  return quic::StreamId{client ? 0 : (number & 3U) * 4};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  const bool client = (input.number() & 1U) != 0;
  fuzz::Session session{!client, with_datagrams()};
  while (!input.empty()) {
    const std::uint8_t what = input.number();
    const quic::StreamId id = stream_id(input.number(), client);
    const Bytes chunk = input.chunk();
    if ((what & 1U) == 0) {
      session.datagram(chunk);
    } else {
      session.feed(id, chunk, (what & 2U) != 0);
    }
  }
  session.end();
  return 0;
}
