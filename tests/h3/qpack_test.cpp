// SPDX-License-Identifier: MIT
/// An encoder and a decoder of QPACK that talk to each other without a connection.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/qpack.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/application.hpp>

using namespace quoin;
using namespace std::string_literals;
using namespace std::string_view_literals;
using h3::QpackDecoder;
using h3::QpackEncoder;
using quic::StreamId;
using quoin::Headers;

namespace {

constexpr std::uint64_t seed = 0x5eed;

/// Both ends with the same limits; nothing goes between them by itself.
struct Ends {
  explicit Ends(const h3::QpackLimits& limits = {}, std::size_t max_capacity = 65536)
      : encoder(seed, {.peer = limits, .max_capacity = max_capacity}),
        decoder({.limits = limits}) {}

  std::string encode(std::int64_t stream, const Headers& headers) {
    auto section = encoder.encode(StreamId{stream}, headers);
    REQUIRE(section);
    return *section;
  }

  void give(std::int64_t stream, std::string_view section) {
    REQUIRE(decoder.handle_section(StreamId{stream}, as_bytes(section)));
  }

  /// Moves all instructions both ways.
  void exchange() {
    REQUIRE(decoder.handle_instructions(as_bytes(encoder.poll_instructions())));
    REQUIRE(encoder.handle_instructions(as_bytes(decoder.poll_instructions())));
  }

  /// The bytes that a section costs: on its stream and on the encoder stream.
  std::size_t cost(std::int64_t stream, const Headers& headers) {
    const std::string section = encode(stream, headers);
    const std::string instructions = encoder.poll_instructions();
    REQUIRE(decoder.handle_instructions(as_bytes(instructions)));
    give(stream, section);
    REQUIRE(encoder.handle_instructions(as_bytes(decoder.poll_instructions())));
    return section.size() + instructions.size();
  }

  QpackEncoder encoder;
  QpackDecoder decoder;
};

std::string text(const Headers& headers) {
  std::string all;
  for (const Field& field : headers) {
    all += std::string{field.name} + ": " + std::string{field.value} +
           (field.never_index ? " (never)\n" : "\n");
  }
  return all;
}

/// What comes out next, as "STREAM FIELDS".
std::string next(QpackDecoder& decoder) {
  const auto section = decoder.poll_section();
  if (!section) return "nothing";
  return std::to_string(static_cast<std::int64_t>(section->stream)) + ' ' +
         (section->headers ? text(*section->headers)
                           : std::string{section->headers.error().name()});
}

Headers page(std::string_view path) {
  return {{":method", "GET"},       {":scheme", "https"},    {":authority", "a.example"},
          {":path", path},          {"user-agent", "quoin"}, {"accept-language", "fr"},
          {"referer", "https://a"}, {"x-custom", "thing"},   {"empty", ""}};
}

}  // namespace

TEST_CASE("What QPACK encodes is decoded to the same fields, whatever the limits") {
  const std::size_t capacity = GENERATE(0U, 64U, 220U, 4096U, 65536U);
  const std::size_t blocked = GENERATE(0U, 1U, 100U);
  INFO("capacity " << capacity << ", blocked streams " << blocked);
  Ends ends{{.capacity = capacity, .blocked_streams = blocked}};
  for (std::int64_t stream = 0; stream < 400; stream += 4) {
    const Headers headers = page("/" + std::to_string(stream % 40));
    ends.give(stream, ends.encode(stream, headers));
    ends.exchange();
    CHECK(next(ends.decoder) == std::to_string(stream) + ' ' + text(headers));
  }
  CHECK(ends.decoder.blocked_streams() == 0);
  CHECK(ends.encoder.blocked_streams() == 0);
}

TEST_CASE("A repeated section costs a byte for each field once it is in the table") {
  Ends ends;
  const Headers headers{{":authority", "a.long.name.example"}, {"user-agent", "something long"}};
  const std::size_t first = ends.cost(0, headers);
  CHECK(first > 30);
  CHECK(ends.cost(4, headers) == 4);  // two bytes of prefix
}

TEST_CASE("Without a dynamic table nothing is remembered and nothing waits") {
  Ends ends{{.capacity = 0}};
  const Headers headers{{":authority", "a.long.name.example"}, {"user-agent", "something long"}};
  const std::string first = ends.encode(0, headers);
  CHECK(ends.encode(4, headers) == first);
  CHECK(ends.encoder.poll_instructions().empty());
  CHECK(ends.encoder.blocked_streams() == 0);
  ends.give(0, first);
  CHECK(next(ends.decoder) == "0 " + text(headers));
  CHECK(ends.decoder.poll_instructions().empty());
}

TEST_CASE("A section waits for the instructions that it refers to, and others go on") {
  Ends ends;
  const std::string first = ends.encode(0, page("/a"));
  const std::string instructions = ends.encoder.poll_instructions();
  const std::string trailers = ends.encode(0, {{"digest", "x"}});
  const std::string other = ends.encode(4, {{":method", "GET"}});
  ends.give(0, first);
  ends.give(0, trailers);
  ends.give(4, other);
  CHECK(ends.decoder.blocked_streams() == 1);
  CHECK(next(ends.decoder) == "4 :method: GET\n");
  CHECK(next(ends.decoder) == "nothing");
  // In pieces of one byte: they become complete one after the other.
  for (const char c : instructions) {
    REQUIRE(ends.decoder.handle_instructions(as_bytes({&c, 1})));
  }
  CHECK(next(ends.decoder) == "0 " + text(page("/a")));
  CHECK(next(ends.decoder) == "0 digest: x\n");
  CHECK(ends.decoder.blocked_streams() == 0);
}

// RFC 9204 §5.
TEST_CASE("The encoder lets no more streams wait than the decoder allows") {
  Ends ends{{.capacity = 4096, .blocked_streams = 2}};
  for (std::int64_t stream = 0; stream < 40; stream += 4) {
    ends.give(stream, ends.encode(stream, {{"user-agent", std::to_string(stream)}}));
  }
  CHECK(ends.encoder.blocked_streams() == 2);
  CHECK(ends.decoder.blocked_streams() == 2);
  ends.exchange();
  CHECK(ends.encoder.blocked_streams() == 0);
}

TEST_CASE("A decoder refuses more waiting streams or bytes than it allows") {
  // Required insert count 1 (encoded as 2), then an indexed field of the dynamic table.
  const std::string_view blocked = "\x02\x00\x80"sv;
  SECTION("streams") {
    QpackDecoder decoder{{.limits = {.capacity = 4096, .blocked_streams = 1}}};
    REQUIRE(decoder.handle_section(StreamId{0}, as_bytes(blocked)));
    const auto refused = decoder.handle_section(StreamId{4}, as_bytes(blocked));
    REQUIRE(!refused);
    CHECK(refused.error() == Error{HttpError::qpack_decompression_failed});
    CHECK(decoder.handle_section(StreamId{8}, as_bytes("\0\0\xd1"sv)) == refused);
    CHECK(decoder.handle_instructions({}) == refused);
  }
  SECTION("bytes") {
    QpackDecoder decoder{{.limits = {}, .max_waiting = 100}};
    REQUIRE(decoder.handle_section(StreamId{0}, as_bytes(blocked)));
    std::string more = "\0\0"s;
    more.append(98, '\xd1');
    CHECK(decoder.handle_section(StreamId{0}, as_bytes(more)).error() ==
          Error{HttpError::excessive_load});
  }
}

// RFC 9204 §4.4.2.
TEST_CASE("A stream that is given up waits no more, and the encoder learns of it") {
  Ends ends;
  ends.give(0, ends.encode(0, page("/a")));
  CHECK(ends.decoder.blocked_streams() == 1);
  ends.decoder.cancel(StreamId{0});
  CHECK(ends.decoder.blocked_streams() == 0);
  CHECK(ends.encoder.blocked_streams() == 1);
  REQUIRE(ends.encoder.handle_instructions(as_bytes(ends.decoder.poll_instructions())));
  CHECK(ends.encoder.blocked_streams() == 0);
  ends.exchange();
  CHECK(next(ends.decoder) == "nothing");
}

TEST_CASE("A section beyond the limits is lost, the ones after it are not") {
  QpackDecoder decoder{{.limits = {}, .max_section = 500, .max_fields = 5}};
  QpackEncoder encoder{seed};
  const auto give = [&](std::int64_t stream, const Headers& headers) {
    const auto section = encoder.encode(StreamId{stream}, headers);
    REQUIRE(section);
    REQUIRE(decoder.handle_instructions(as_bytes(encoder.poll_instructions())));
    REQUIRE(decoder.handle_section(StreamId{stream}, as_bytes(*section)));
    REQUIRE(encoder.handle_instructions(as_bytes(decoder.poll_instructions())));
    return next(decoder);
  };
  CHECK(give(0, page("/too/many/fields")) == "0 H3_EXCESSIVE_LOAD");
  CHECK(give(4, {{"a", std::string(468, 'x')}}) == "4 H3_EXCESSIVE_LOAD");
  CHECK(give(8, {{"a", std::string(467, 'x')}}) == "8 a: " + std::string(467, 'x') + '\n');
  CHECK(give(12, {{"user-agent", "quoin"}}) == "12 user-agent: quoin\n");
}

// RFC 9204 §7.1.
TEST_CASE("A field that must not be indexed arrives with that mark and enters no table") {
  Ends ends;
  (void)ends.cost(0, {});  // sets the table's capacity
  REQUIRE(next(ends.decoder) == "0 ");
  const Headers secret{{"authorization", "Basic c2VjcmV0"},
                       {"proxy-authorization", "Basic c2VjcmV0"},
                       {"cookie", "id=1234567890"},
                       {"set-cookie", "id=a very long one, longer than any limit"},
                       {"user-agent", "marked", true}};
  const std::string section = ends.encode(4, secret);
  CHECK(ends.encoder.poll_instructions().empty());
  ends.give(4, section);
  const auto decoded = ends.decoder.poll_section();
  REQUIRE(decoded);
  REQUIRE(decoded->headers);
  REQUIRE(decoded->headers->size() == secret.size());
  for (const Field& field : *decoded->headers) CHECK(field.never_index);
  CHECK(ends.encode(8, secret) == section);
}

TEST_CASE("Guessing a secret does not change the size of what is sent") {
  // The same letters in another order, so that Huffman codes are as long.
  const std::string secret = "q7Tx";
  const std::vector<std::string> guesses{"xT7q", "Tq7x", "7xqT", "qT7x", secret};
  const std::vector<std::pair<std::string, bool>> fields{
      {"authorization", false}, {"proxy-authorization", false}, {"set-cookie", false},
      {"cookie", false},        {"user-agent", true},           {"x-token", true}};
  for (const auto& [name, flagged] : fields) {
    INFO(name);
    std::vector<std::size_t> sizes;
    for (const std::string& guess : guesses) {
      Ends ends;
      ends.cost(0, {{name, "token=" + secret, flagged}});
      // An attacker's guess is an ordinary field as far as anybody knows.
      sizes.push_back(ends.cost(4, {{name, "token=" + guess}}));
    }
    CHECK(sizes == std::vector<std::size_t>(guesses.size(), sizes.front()));
  }
  // The attack is real where the field may be indexed.
  std::vector<std::size_t> sizes;
  for (const std::string& guess : guesses) {
    Ends ends;
    ends.cost(0, {{"user-agent", "token=" + secret}});
    sizes.push_back(ends.cost(4, {{"user-agent", "token=" + guess}}));
  }
  CHECK(sizes.back() < sizes.front());
}

TEST_CASE("Long cookies are worth a place in the table") {
  Ends ends;
  const Headers headers{{"cookie", "session=0123456789abcdef0123456789abcdef"}};
  CHECK(ends.cost(0, headers) > 20);
  CHECK(ends.cost(4, headers) == 3);
}

TEST_CASE("The encoder's own limit holds below the decoder's, for as long as one likes") {
  Ends ends{{.capacity = 65536}, 256};
  for (std::int64_t stream = 0; stream < 4000; stream += 4) {
    const Headers headers{{"user-agent", std::to_string(stream)}};
    ends.cost(stream, headers);
    REQUIRE(next(ends.decoder) == std::to_string(stream) + ' ' + text(headers));
  }
}

TEST_CASE("The example of RFC 9204 §B is decoded as it says there") {
  QpackDecoder decoder{{.limits = {.capacity = 220}}};
  const auto instruct = [&](std::string_view bytes) {
    REQUIRE(decoder.handle_instructions(as_bytes(bytes)));
    return decoder.poll_instructions();
  };
  const auto section = [&](std::int64_t stream, std::string_view bytes) {
    REQUIRE(decoder.handle_section(StreamId{stream}, as_bytes(bytes)));
    return next(decoder);
  };
  CHECK(section(0, "\0\0\x51\x0b/index.html"sv) == "0 :path: /index.html\n");
  CHECK(section(4, "\x03\x81\x10\x11"sv) == "nothing");
  CHECK(instruct("\x3f\xbd\x01\xc0\x0fwww.example.com\xc1\x0c/sample/path"sv) == "\x84");
  CHECK(next(decoder) == "4 :authority: www.example.com\n:path: /sample/path\n");
  CHECK(instruct("\x4a"
                 "custom-key\x0c"
                 "custom-value"sv) == "\x01");
  CHECK(section(8, "\x05\0\x80\xc1\x81"sv) == "nothing");
  decoder.cancel(StreamId{8});
  CHECK(instruct("\x02"sv) == "\x48\x01");
  CHECK(section(12, "\x05\0\x80\xc1\x81"sv) ==
        "12 :authority: www.example.com\n:path: /\ncustom-key: custom-value\n");
  CHECK(instruct("\x81\x0d"
                 "custom-value2"sv) == "\x8c\x01");
}

// RFC 9204 §6.
TEST_CASE("Instructions that make no sense are refused with the RFC's code") {
  SECTION("to the encoder: an acknowledgment of nothing") {
    QpackEncoder encoder{seed};
    const auto refused = encoder.handle_instructions(as_bytes("\x84"sv));
    REQUIRE(!refused);
    CHECK(refused.error() == Error{HttpError::qpack_decoder_stream_error});
    CHECK(encoder.encode(StreamId{0}, {}).error() == refused.error());
  }
  SECTION("to the decoder: a duplicate of nothing") {
    QpackDecoder decoder;
    const auto refused = decoder.handle_instructions(as_bytes("\x01"sv));
    REQUIRE(!refused);
    CHECK(refused.error() == Error{HttpError::qpack_encoder_stream_error});
    CHECK(decoder.poll_instructions().empty());
  }
  SECTION("to the decoder: a table larger than allowed") {
    QpackDecoder decoder{{.limits = {.capacity = 100}}};
    CHECK(decoder.handle_instructions(as_bytes("\x3f\x46"sv)).error() ==
          Error{HttpError::qpack_encoder_stream_error});
  }
  SECTION("a section cut off") {
    QpackDecoder decoder;
    CHECK(decoder.handle_section(StreamId{0}, as_bytes("\0\0\x5f"sv)).error() ==
          Error{HttpError::qpack_decompression_failed});
  }
  SECTION("no section at all") {
    QpackDecoder decoder;
    CHECK(decoder.handle_section(StreamId{0}, {}).error() ==
          Error{HttpError::qpack_decompression_failed});
  }
  SECTION("streams that cannot be") {
    QpackDecoder decoder;
    QpackEncoder encoder{seed};
    CHECK(decoder.handle_section(StreamId{-1}, {}).error() == Error{UsageError::invalid_argument});
    CHECK(encoder.encode(StreamId{-1}, {}).error() == Error{UsageError::invalid_argument});
    CHECK(encoder.encode(StreamId{0}, {}));
  }
}
