// SPDX-License-Identifier: MIT
/// Capsules in a body from a peer. However the bytes are cut, the same must come of them. The input
/// is the body.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/capsule.hpp>

#include "input.hpp"

using namespace quoin;

namespace {

constexpr std::size_t max_value = 100;

/// The capsules of two types in turn, then how the body ended.
std::string outcome(Bytes bytes, std::size_t step) {
  h3::CapsuleReader reader{{h3::datagram_capsule, 5}, max_value};
  std::string all;
  while (!bytes.empty()) {
    const Bytes piece = bytes.first(std::min(step, bytes.size()));
    const Result<std::size_t> taken = reader.read(piece);
    if (!taken) {
      fuzz::check(!reader.read(piece));
      return all + '!';
    }
    fuzz::check(*taken > 0 && *taken <= piece.size());
    bytes = bytes.subspan(*taken);
    while (const std::optional<h3::Capsule> capsule = reader.poll()) {
      fuzz::check(capsule->type == h3::datagram_capsule || capsule->type == 5);
      fuzz::check(capsule->value.size() <= max_value);
      const std::string again = h3::encode_capsule(capsule->type, as_bytes(capsule->value));
      all += again;
    }
  }
  return all + (reader.finish() ? '.' : '?');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = fuzz::Input{data, size}.take(size);
  const std::string whole = outcome(bytes, size + 1);
  fuzz::check(whole == outcome(bytes, 1));
  fuzz::check(whole == outcome(bytes, 7));
  return 0;
}
