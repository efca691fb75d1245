// SPDX-License-Identifier: MIT
/// QPACK from a peer to a server's session: instructions of the encoder stream, and field sections,
/// each in a HEADERS frame of a request of its own. The input is a list of {what, length in two
/// bytes, bytes}; odd: a field section.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <quoin/bytes.hpp>
#include <quoin/quic/application.hpp>

#include "input.hpp"
#include "session.hpp"

using namespace quoin;
using namespace std::string_view_literals;

namespace {

constexpr quic::StreamId control{2};
constexpr quic::StreamId encoder{6};
constexpr quic::StreamId decoder{10};

/// A HEADERS frame (RFC 9114 §7.2.2).
std::string headers_frame(Bytes section) {
  std::string frame = "\x01";
  frame.append(1, static_cast<char>(0x80));
  for (int shift = 16; shift >= 0; shift -= 8) {
    frame.append(1, static_cast<char>(section.size() >> static_cast<unsigned>(shift)));
  }
  return frame.append(as_text(section));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  fuzz::Session session{true};
  session.feed(control, as_bytes("\0\4\0"sv), false);  // an empty SETTINGS frame
  session.feed(encoder, as_bytes("\2"sv), false);
  session.feed(decoder, as_bytes("\3"sv), false);
  std::int64_t next = 0;
  while (!input.empty() && !session.is_over() && next < 400) {
    const bool is_section = (input.number() & 1U) != 0;
    const Bytes chunk = input.chunk();
    if (is_section) {
      session.feed(quic::StreamId{next}, as_bytes(headers_frame(chunk)), true);
      next += 4;
    } else {
      session.feed(encoder, chunk, false);
    }
  }
  session.end();
  return 0;
}
