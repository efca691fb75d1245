// SPDX-License-Identifier: MIT
/// WebSocket frames from a peer, to a server or a client. However the bytes are cut, the same must
/// come of them. The input is the role, then the bytes of the stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <quoin/bytes.hpp>

#include "input.hpp"
#include "websocket/codec.hpp"

using namespace quoin;

namespace {

constexpr std::size_t max_message = 1000;

/// What came of the bytes: type, code and payload of each input in turn, then the failure.
std::string outcome(bool server, Bytes bytes, std::size_t step) {
  h3::WebSocketCodec codec{server, max_message, [](std::span<std::byte>) {}};
  std::string all;
  while (!bytes.empty() && codec.failure() == 0) {
    const std::size_t size = std::min(step, bytes.size());
    const std::size_t taken = codec.read(bytes.first(size));
    fuzz::check(taken > 0 && taken <= size);
    bytes = bytes.subspan(taken);
    const std::optional<h3::WebSocketInput> input = codec.poll();
    if (!input) continue;
    fuzz::check(input->payload.size() <= max_message);
    h3::Utf8Check utf8;
    const bool is_text = utf8.add(as_bytes(input->payload)) && utf8.is_complete();
    fuzz::check(input->type != h3::Opcode::text || is_text);
    if (input->type == h3::Opcode::close) {
      fuzz::check(is_text && (input->code == 1005 || h3::is_valid_close_code(input->code)));
    }
    all += std::to_string(static_cast<int>(input->type)) + '/' + std::to_string(input->code) + '/' +
           std::to_string(input->payload.size()) + '/' + input->payload;
  }
  return all + '!' + std::to_string(codec.failure());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  const bool server = (input.number() & 1U) != 0;
  const Bytes bytes = input.take(size);
  const std::string whole = outcome(server, bytes, size + 1);
  fuzz::check(whole == outcome(server, bytes, 1));
  fuzz::check(whole == outcome(server, bytes, 7));
  return 0;
}
