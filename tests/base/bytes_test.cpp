// SPDX-License-Identifier: MIT
/// Shared bytes live as long as their last holder.
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>

using namespace quoin;

namespace {

/// A file that is removed at the end of the test.
struct TemporaryFile {
  explicit TemporaryFile(const std::string& text) {
    path = std::filesystem::temp_directory_path() / ("quoin-bytes-" + std::to_string(::getpid()));
    std::ofstream{path} << text;
  }

  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  ~TemporaryFile() { std::filesystem::remove(path); }

  std::filesystem::path path;
};

}  // namespace

TEST_CASE("Shared bytes take strings and vectors over") {
  CHECK(as_text(SharedBytes{std::string{"text"}}.view()) == "text");
  CHECK(SharedBytes{std::vector{std::byte{7}}}.view()[0] == std::byte{7});
  CHECK(SharedBytes{}.view().empty());
}

TEST_CASE("A part of shared bytes keeps the whole alive and is cut to what there is") {
  SharedBytes part;
  {
    const SharedBytes whole{std::string(100, 'a') + "tail"};
    part = whole.part(100, 50);
    CHECK(whole.part(104, 1).view().empty());
    CHECK(whole.part(1000, 1).view().empty());
  }
  CHECK(as_text(part.view()) == "tail");
}

TEST_CASE("A mapped file shows its bytes, even after its name is gone") {
  Result<SharedBytes> mapped;
  {
    const TemporaryFile file{"in the file"};
    mapped = SharedBytes::map_file(file.path);
  }
  REQUIRE(mapped);
  CHECK(as_text(mapped->view()) == "in the file");
}

TEST_CASE("An empty file maps to no bytes") {
  const TemporaryFile file{""};
  const auto mapped = SharedBytes::map_file(file.path);
  REQUIRE(mapped);
  CHECK(mapped->view().empty());
}

TEST_CASE("Mapping what is no regular file fails with its name") {
  const auto missing = SharedBytes::map_file("/nonexistent/file");
  REQUIRE(!missing);
  CHECK(missing.error() == Error{Error::Domain::system, ENOENT});
  CHECK(missing.error().message().find("/nonexistent/file") != std::string::npos);
  const auto folder = SharedBytes::map_file("/");
  REQUIRE(!folder);
  CHECK(folder.error().code() == EISDIR);
  const auto device = SharedBytes::map_file("/dev/null");
  REQUIRE(!device);
  CHECK(device.error().message().find("not a regular file") != std::string::npos);
}
