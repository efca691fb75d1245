// SPDX-License-Identifier: MIT
/// QPACK without a connection: the same request three times, and what it costs
/// on its own stream and on the encoder's.
/// Usage: qpack [CAPACITY], in bytes of the dynamic table; 0: static only.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include <quoin/h3/qpack.hpp>

namespace {

/// Says what went wrong and ends.
template <class T>
T need(quoin::Result<T> result) {
  if (result) return std::move(*result);
  std::cerr << "qpack: " << result.error().message() << '\n';
  std::exit(EXIT_FAILURE);
}

}  // namespace

int main(int argc, char** argv) {
  quoin::h3::QpackLimits limits;
  if (argc > 1) limits.capacity = std::strtoul(argv[1], nullptr, 10);
  // The seed keys a hash table. Where the peer is a stranger it must be random.
  quoin::h3::QpackEncoder encoder{42, {.peer = limits}};
  quoin::h3::QpackDecoder decoder{{.limits = limits}};

  for (std::int64_t number = 0; number < 12; number += 4) {
    const quoin::quic::StreamId stream{number};
    const quoin::Headers headers{
        {":method", "GET"},
        {":scheme", "https"},
        {":authority", "www.example.com"},
        {":path", "/"},
        {"user-agent", "a program that says who it is"},
        {"authorization", "Bearer mF_9.B5f-4.1JqM"},
        {"x-api-key", "6f2a", true}};
    const std::string section = need(encoder.encode(stream, headers));
    // The four calls below are what HTTP/3 has its two QPACK streams for.
    const std::string instructions = encoder.poll_instructions();
    if (auto read = decoder.handle_instructions(quoin::as_bytes(instructions));
        !read)
      return 1;
    if (auto read = decoder.handle_section(stream, quoin::as_bytes(section));
        !read)
      return 1;
    const std::string answer = decoder.poll_instructions();
    if (auto read = encoder.handle_instructions(quoin::as_bytes(answer));
        !read) {
      return 1;
    }

    const auto decoded = decoder.poll_section();
    if (!decoded || need(decoded->headers).size() != headers.size()) {
      return EXIT_FAILURE;
    }
    std::cout << headers.section_size() - 32 * headers.size()
              << " bytes of text: " << section.size() << " on the stream, "
              << instructions.size() << " of instructions\n";
  }
}
