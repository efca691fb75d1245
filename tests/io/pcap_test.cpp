// SPDX-License-Identifier: MIT
/// Capture files, read back with python3's struct by tests/io/read_pcap.py, which trusts nothing
/// of what wrote them.

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/pcap.hpp>
#include <quoin/time.hpp>

#include "io/fakes.hpp"
#include "tools/scratch.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;
using io::PcapWriter;
using tools::Scratch;

std::string read_capture(const std::filesystem::path& file) {
  const std::string command =
      "python3 '" QUOIN_TEST_SOURCE_DIR "/io/read_pcap.py' '" + file.string() + "' 2>&1";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{::popen(command.c_str(), "r"),
                                                             &::pclose};
  std::string text;
  for (int c = 0; pipe && (c = std::fgetc(pipe.get())) != EOF;) {
    text += static_cast<char>(c);
  }
  return text;
}

}  // namespace

// RFC 768, RFC 1071, RFC 8200 §8.1.
TEST_CASE("a capture holds every datagram with its time, addresses, mark and checksums") {
  const Scratch scratch;
  PcapWriter capture = PcapWriter::create(scratch / "a.pcap").value();
  const Path v4{.local = address("10.0.0.1:1000"), .remote = address("10.0.0.2:443")};
  capture.write(Time{1500ms}, {.path = v4, .payload = as_bytes("hello"), .ecn = Ecn::ect0});
  const Path v6{.local = address("[2001:db8::1]:65535"), .remote = address("[2001:db8::2]:443")};
  capture.write(Time{2s + 1ns}, {.path = v6, .payload = as_bytes("odd"), .ecn = Ecn::ce});
  capture.write(Time{3s}, {.path = v4, .payload = as_bytes("aabbc"), .segment_size = 2});
  capture.write(Time{4s}, {.path = v4, .payload = {}});
  capture.write(Time{5s}, {.path = {.local = v4.local, .remote = v6.remote}, .payload = {}});
  REQUIRE(capture.close().has_value());
  CHECK(read_capture(scratch / "a.pcap") ==
        "1.500000000 10.0.0.1:1000 > 10.0.0.2:443 ecn 2: hello\n"
        "2.000000001 2001:db8::1:65535 > 2001:db8::2:443 ecn 3: odd\n"
        "3.000000000 10.0.0.1:1000 > 10.0.0.2:443 ecn 0: aa\n"
        "3.000000000 10.0.0.1:1000 > 10.0.0.2:443 ecn 0: bb\n"
        "3.000000000 10.0.0.1:1000 > 10.0.0.2:443 ecn 0: c\n"
        "4.000000000 10.0.0.1:1000 > 10.0.0.2:443 ecn 0: \n");
}

TEST_CASE("a capture that cannot be written says so with its name") {
  const Scratch scratch;
  const auto missing = PcapWriter::create(scratch / "no" / "a.pcap");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error() == Error{Error::Domain::system, ENOENT});
  CHECK(missing.error().detail().find("a.pcap") != std::string::npos);

  auto full = PcapWriter::create("/dev/full");
  REQUIRE(full.has_value());
  CHECK(full->close().error() == Error{Error::Domain::system, ENOSPC});
}

}  // namespace quoin::test
