// SPDX-License-Identifier: MIT
/// Tests of where quoin-client writes: files appear whole or not at all.
#include "quoin-client/output.hpp"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>

#include "common/failure.hpp"
#include "common/signals.hpp"
#include "common/unique_fd.hpp"
#include "quoin-client/exit_code.hpp"
#include "scratch.hpp"

namespace quoin::tools {

namespace fs = std::filesystem;

namespace {

unsigned mode_of(const fs::path& file) {
  return static_cast<unsigned>(fs::status(file).permissions());
}

}  // namespace

TEST_CASE("A file gets its name when it is complete, and not before") {
  const Scratch scratch;
  Expected<Output> output = Output::to_file(scratch / "page");
  REQUIRE(output.has_value());
  REQUIRE(output->write(as_bytes("hello")).value() == 5);
  CHECK_FALSE(fs::exists(scratch / "page"));
  REQUIRE(output->commit().has_value());
  CHECK(scratch.read("page") == "hello");
  CHECK(scratch.names() == std::vector<std::string>{"page"});
}

TEST_CASE("A file that is not completed leaves nothing behind, and what was there stays") {
  const Scratch scratch;
  scratch.write("page", "before");
  {
    Expected<Output> output = Output::to_file(scratch / "page");
    REQUIRE(output.has_value());
    REQUIRE(output->write(as_bytes("half")).has_value());
  }
  CHECK(scratch.names() == std::vector<std::string>{"page"});
  CHECK(scratch.read("page") == "before");
}

TEST_CASE("A complete file takes the place and the mode of the one before") {
  const Scratch scratch;
  fs::permissions(scratch.write("page", "before"), fs::perms{0640});
  Output output = Output::to_file(scratch / "page").value();
  REQUIRE(output.commit().has_value());
  CHECK(scratch.read("page").empty());
  CHECK(mode_of(scratch / "page") == 0640);
}

TEST_CASE("A link stays a link, and the file it names is replaced") {
  const Scratch scratch;
  scratch.write("real", "before");
  fs::create_symlink("real", scratch / "link");
  Output output = Output::to_file(scratch / "link").value();
  REQUIRE(output.write(as_bytes("after")).has_value());
  REQUIRE(output.commit().has_value());
  CHECK(fs::is_symlink(scratch / "link"));
  CHECK(scratch.read("real") == "after");
}

TEST_CASE("More than the buffer holds is written in order") {
  const Scratch scratch;
  Output output = Output::to_file(scratch / "large").value();
  std::string expected;
  for (int i = 0; i < 700; ++i) {
    const std::string chunk(static_cast<std::size_t>(1 + i * 3), static_cast<char>('a' + i % 26));
    REQUIRE(output.write(as_bytes(chunk)).value() == chunk.size());
    expected += chunk;
  }
  const std::string huge(1'000'000, 'z');
  REQUIRE(output.write(as_bytes(huge)).value() == huge.size());
  REQUIRE(output.commit().has_value());
  CHECK(scratch.read("large") == expected + huge);
}

TEST_CASE("Very long names still leave room for a temporary one") {
  const Scratch scratch;
  const std::string name(255, 'n');
  Output output = Output::to_file(scratch / name).value();
  REQUIRE(output.commit().has_value());
  CHECK(scratch.names() == std::vector<std::string>{name});
}

TEST_CASE("A full disk is reported with the file's name") {
  Output output = Output::to_file("/dev/full").value();
  REQUIRE(output.write(as_bytes("x")).has_value());
  const Expected<> committed = output.commit();
  REQUIRE_FALSE(committed.has_value());
  CHECK(committed.error().exit_code == number(ClientExit::write_error));
  CHECK(committed.error().message.contains("/dev/full"));
  CHECK(committed.error().message.contains("make room"));
}

TEST_CASE("Devices are written to directly") {
  Output output = Output::to_file("/dev/null").value();
  CHECK(output.write(as_bytes("x")).value() == 1);
  REQUIRE(output.commit().has_value());
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("A folder in the place of the file, or none to put it in, is a write error") {
  const Scratch scratch;
  const Expected<Output> folder = Output::to_file(scratch.folder());
  REQUIRE_FALSE(folder.has_value());
  CHECK(folder.error().exit_code == number(ClientExit::write_error));
  CHECK(folder.error().message.contains(scratch.folder().string()));
  const Expected<Output> nowhere = Output::to_file(scratch / "none/page");
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().message.contains("folder does not exist"));
}

TEST_CASE("A pipe is given what it has room for, and an ended reader is a write error") {
  turn_write_signals_into_errors();
  const Scratch scratch;
  const fs::path pipe = scratch / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  UniqueFd reader{::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  REQUIRE(reader.is_open());
  Output output = Output::to_file(pipe).value();
  const std::string much(1'000'000, 'x');
  const std::size_t taken = output.write(as_bytes(much)).value();
  CHECK(taken > 0);
  CHECK(taken < much.size());
  std::array<char, 4096> part{};
  REQUIRE(::read(reader.value(), part.data(), part.size()) == 4096);
  CHECK(output.write(as_bytes(much)).value() > 0);
  {
    const UniqueFd closed = std::move(reader);
  }
  const Expected<std::size_t> broken = output.write(as_bytes(much));
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().message.contains("has ended"));
}

TEST_CASE("An end without destructors can still remove what is unfinished") {
  const Scratch scratch;
  Output output = Output::to_file(scratch / "page").value();
  CHECK(scratch.names().size() == 1);
  remove_unfinished_outputs();
  CHECK(scratch.names().empty());
}

}  // namespace quoin::tools
