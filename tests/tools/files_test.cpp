// SPDX-License-Identifier: MIT
/// Tests of the files that the tools read and append to: uploads and the key log.
#include <array>
#include <cstddef>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include <quoin/streaming.hpp>

#include "common/failure.hpp"
#include "common/folder.hpp"
#include "common/key_log.hpp"
#include "common/unique_fd.hpp"
#include "quoin-client/exit_code.hpp"
#include "quoin-client/upload.hpp"
#include "scratch.hpp"

namespace quoin::tools {

namespace fs = std::filesystem;

TEST_CASE("An upload reads the whole file and knows its size") {
  const Scratch scratch;
  Upload upload = Upload::open(scratch.write("f", "abcdef").string()).value();
  CHECK(upload.size() == 6);
  std::array<std::byte, 4> room{};
  Filled filled = upload.read(room);
  CHECK(filled.bytes == 4);
  CHECK_FALSE(filled.last);
  filled = upload.read(room);
  CHECK(filled.bytes == 2);
  CHECK(filled.last);
  CHECK(upload.sent() == 6);
}

TEST_CASE("An empty file ends at once") {
  const Scratch scratch;
  Upload upload = Upload::open(scratch.write("f", "").string()).value();
  std::array<std::byte, 4> room{};
  const Filled filled = upload.read(room);
  CHECK(filled.bytes == 0);
  CHECK(filled.last);
}

TEST_CASE("A file that grows is sent as long as it was, one that shrinks fails") {
  const Scratch scratch;
  Upload upload = Upload::open(scratch.write("f", "abcdef").string()).value();
  std::array<std::byte, 16> room{};
  scratch.write("f", "abcdefghi");
  const Filled grown = upload.read(room);
  CHECK(grown.bytes == 6);
  CHECK(grown.last);
  Upload shrinking = Upload::open((scratch / "f").string()).value();
  scratch.write("f", "");
  CHECK(shrinking.read(room).failed);
  CHECK(shrinking.problem().contains("shrank"));
}

TEST_CASE("A pipe pauses the upload while it is empty and ends it when it closes") {
  const Scratch scratch;
  const fs::path pipe = scratch / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  UniqueFd writer{::open(pipe.c_str(), O_RDWR | O_CLOEXEC)};
  REQUIRE(writer.is_open());
  Upload upload = Upload::open(pipe.string()).value();
  CHECK_FALSE(upload.size().has_value());
  std::array<std::byte, 16> room{};
  Filled filled = upload.read(room);
  CHECK(filled.bytes == 0);
  CHECK_FALSE(filled.last);
  REQUIRE(::write(writer.value(), "abc", 3) == 3);
  CHECK(upload.read(room).bytes == 3);
  {
    const UniqueFd closed = std::move(writer);
  }
  filled = upload.read(room);
  CHECK(filled.bytes == 0);
  CHECK(filled.last);
}

TEST_CASE("A file to send that is missing or a folder is named") {
  const Scratch scratch;
  const Expected<Upload> missing = Upload::open((scratch / "none").string());
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().exit_code == number(ClientExit::read_error));
  CHECK(missing.error().message.contains("none"));
  CHECK_FALSE(Upload::open(scratch.folder().string()).has_value());
}

TEST_CASE("The key log is appended to, and a new one is the owner's only") {
  const Scratch scratch;
  scratch.write("old", "first\n");
  KeyLogFile::open(scratch / "old").value().write("second");
  CHECK(scratch.read("old") == "first\nsecond\n");
  const KeyLogFile log = KeyLogFile::open(scratch / "new").value();
  log.write("line");
  CHECK(scratch.read("new") == "line\n");
  CHECK(fs::status(scratch / "new").permissions() == fs::perms{0600});
}

TEST_CASE("A key log that cannot be written is named") {
  const Expected<KeyLogFile> log = KeyLogFile::open("/nonexistent/keys");
  REQUIRE_FALSE(log.has_value());
  CHECK(log.error().message.contains("/nonexistent/keys"));
}

TEST_CASE("A folder is checked for what it is, with the option's name") {
  const Scratch scratch;
  CHECK(check_folder("--root", scratch.folder(), R_OK, "advice", 4).has_value());
  const Expected<> missing = check_folder("--root", scratch / "none", R_OK, "advice", 4);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().exit_code == 4);
  CHECK(missing.error().message.contains("--root"));
  CHECK(missing.error().message.contains("none"));
  CHECK(missing.error().message.contains("advice"));
  const Expected<> file = check_folder("--root", scratch.write("f", ""), R_OK, "advice", 4);
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().message.contains("not a directory"));
}

}  // namespace quoin::tools
