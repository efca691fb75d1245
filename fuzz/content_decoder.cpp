// SPDX-License-Identifier: MIT
/// Compressed bodies from a server. However the bytes are cut, the same must come of them. The
/// input is the coding (odd: br, else gzip), then the body.
#include "client/content_decoder.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <quoin/bytes.hpp>

#include "input.hpp"

using namespace quoin;

namespace {

constexpr std::size_t largest_body = 256 * 1024;

struct Outcome {
  enum class End : std::uint8_t { complete, incomplete, broken, too_large };

  End end = End::complete;
  std::string body;
};

/// The body, read in pieces of `step` bytes as a client reads it.
Outcome outcome(ContentDecoder& decoder, Bytes bytes, std::size_t step) {
  Outcome all;
  std::array<std::byte, 1000> room{};
  while (!bytes.empty()) {
    Bytes piece = bytes.first(std::min(step, bytes.size()));
    bytes = bytes.subspan(piece.size());
    bool more = false;
    while (!piece.empty() || more) {
      const ContentDecoder::Step did = decoder.decode(piece, room);
      fuzz::check(did.taken <= piece.size() && did.made <= room.size());
      const bool stuck = did.taken == 0 && did.made == 0 && !piece.empty();
      if (did.failed || stuck) return {.end = Outcome::End::broken, .body = {}};
      piece = piece.subspan(did.taken);
      more = did.made == room.size();
      all.body += as_text(Bytes{room}.first(did.made));
      if (all.body.size() > largest_body) return {.end = Outcome::End::too_large, .body = {}};
    }
  }
  if (!decoder.is_complete()) all.end = Outcome::End::incomplete;
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  const char* const coding = (input.number() & 1U) != 0 ? "br" : "gzip";
  const Bytes bytes = input.take(size);
  std::optional<Outcome> whole;
  for (const std::size_t step : {size + 1, std::size_t{1}, std::size_t{7}}) {
    const std::unique_ptr<ContentDecoder> decoder = ContentDecoder::create(coding);
    if (!decoder) return 0;  // the build has none
    const Outcome now = outcome(*decoder, bytes, step);
    if (!whole) whole = now;
    // Whether what is broken was also too large depends on how far a decoder looks ahead.
    const bool is_bad = now.end > Outcome::End::incomplete;
    fuzz::check(is_bad ? whole->end > Outcome::End::incomplete
                       : whole->end == now.end && whole->body == now.body);
  }
  return 0;
}
