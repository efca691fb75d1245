// SPDX-License-Identifier: MIT
/// QPACK on its own: a decoder and an encoder, each with a peer that says anything, and a pair of
/// them that talk to each other. The input is a list of {what, length in two bytes, bytes}.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/h3/qpack.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/application.hpp>

#include "input.hpp"

using namespace quoin;

namespace {

constexpr h3::QpackLimits limits{.capacity = 256, .blocked_streams = 4};
constexpr std::size_t most_fields = 16;
constexpr std::size_t most_bytes = 2048;

/// Names of one letter, values of up to 15 bytes: enough to fill the table again and again.
Headers fields_of(Bytes bytes) {
  Headers headers;
  fuzz::Input input{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  while (!input.empty() && headers.size() < most_fields) {
    const unsigned kind = input.number();
    const std::string name(1, static_cast<char>('a' + kind % 8));
    headers.add(name, as_text(input.take(kind >> 4U)), (kind & 8U) != 0);
  }
  return headers;
}

class Fuzzer {
 public:
  void step(unsigned what, Bytes bytes) {
    switch (what % 5) {
      case 0:
        (void)victim_decoder_.handle_instructions(bytes);
        break;
      case 1:
        (void)victim_decoder_.handle_section(quic::StreamId{what / 5}, bytes);
        break;
      case 2:
        victim_decoder_.cancel(quic::StreamId{what / 5});
        break;
      case 3:
        (void)victim_encoder_.handle_instructions(bytes);
        (void)victim_encoder_.encode(quic::StreamId{what / 5}, fields_of(bytes));
        (void)victim_encoder_.poll_instructions();
        break;
      default:
        round_trip(fields_of(bytes), what);
    }
    while (const auto section = victim_decoder_.poll_section()) {
      if (!section->headers) continue;
      if (section->headers->size() > most_fields || section->headers->section_size() > most_bytes) {
        std::abort();
      }
    }
    if (victim_decoder_.blocked_streams() > limits.blocked_streams) std::abort();
    (void)victim_decoder_.poll_instructions();
  }

 private:
  /// What honest ends make of a section, with the instructions before or behind it.
  void round_trip(const Headers& headers, unsigned what) {
    const auto section = encoder_.encode(next_, headers);
    if (!section) std::abort();
    const std::string instructions = encoder_.poll_instructions();
    const bool late = (what & 0x80U) != 0;
    if (!late && !decoder_.handle_instructions(as_bytes(instructions))) std::abort();
    if (!decoder_.handle_section(next_, as_bytes(*section))) std::abort();
    if (late && !decoder_.handle_instructions(as_bytes(instructions))) std::abort();
    if (!encoder_.handle_instructions(as_bytes(decoder_.poll_instructions()))) std::abort();
    const auto decoded = decoder_.poll_section();
    if (!decoded || !decoded->headers || decoded->headers->size() != headers.size()) std::abort();
    for (std::size_t i = 0; i < headers.size(); ++i) {
      const Field got = (*decoded->headers)[i];
      const Field wanted = headers[i];
      if (got.name != wanted.name || got.value != wanted.value ||
          got.never_index != wanted.never_index) {
        std::abort();
      }
    }
    next_ = quic::StreamId{static_cast<std::int64_t>(next_) + 4};
  }

  h3::QpackDecoder victim_decoder_{{.limits = limits,
                                    .max_section = most_bytes,
                                    .max_fields = most_fields,
                                    .max_waiting = most_bytes}};
  h3::QpackEncoder victim_encoder_{7, {.peer = limits}};
  h3::QpackDecoder decoder_{{.limits = limits}};
  h3::QpackEncoder encoder_{7, {.peer = limits}};
  quic::StreamId next_{0};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  Fuzzer fuzzer;
  while (!input.empty()) {
    const unsigned what = input.number();
    fuzzer.step(what, input.chunk());
  }
  return 0;
}
