// SPDX-License-Identifier: MIT
/// What can be opened below a directory, with the kernel's help and without.
#include "server/files/safe_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace fs = std::filesystem;
using quoin::Error;
using quoin::SafeDirectory;

namespace {

class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "quoin-tree-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    fs::create_directories(path_ / "root/sub");
    fs::create_directories(path_ / "root-beside");
    std::ofstream{path_ / "root/file"} << "text";
    std::ofstream{path_ / "root-beside/file"} << "secret";
    fs::create_symlink("sub/../file", path_ / "root/good");
    fs::create_symlink("../root-beside/file", path_ / "root/bad");
    fs::create_symlink("/etc/passwd", path_ / "root/absolute");
    fs::create_symlink("loop", path_ / "root/loop");
    REQUIRE(::mkfifo((path_ / "root/fifo").c_str(), 0600) == 0);
  }

  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  ~Tree() { fs::remove_all(path_); }

  [[nodiscard]] fs::path root() const { return path_ / "root"; }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("nothing outside a directory is opened, by the kernel's rule or by ours") {
  const Tree tree;
  SafeDirectory directory = SafeDirectory::open(tree.root()).value();
  if (GENERATE(false, true)) directory.avoid_openat2();
  const auto file = directory.open_below("file");
  REQUIRE(file.has_value());
  CHECK(file->is_regular);
  CHECK(file->size == 4);
  CHECK(directory.open_below("good").value().inode == file->inode);
  CHECK(directory.open_below("").value().is_directory);
  CHECK(directory.open_below("sub/../file").has_value());
  const Error outside{Error::Domain::system, EXDEV};
  for (const char* path : {"bad", "..", "../root-beside/file", "absolute", "sub/../../root"}) {
    INFO(path);
    const auto opened = directory.open_below(path);
    const bool refused = !opened.has_value();
    // "sub/../../root" comes back to the root, which our own look at the outcome allows.
    if (std::string_view{path} == "sub/../../root" && !refused) continue;
    REQUIRE(refused);
    CHECK(opened.error() == outside);
  }
  CHECK(directory.open_below("missing").error() == Error{Error::Domain::system, ENOENT});
  CHECK(directory.open_below("loop").error() == Error{Error::Domain::system, ELOOP});
  const auto fifo = directory.open_below("fifo");  // and does not wait for a writer
  REQUIRE(fifo.has_value());
  CHECK_FALSE(fifo->is_regular);
}

TEST_CASE("a listing has what can be served, directories first") {
  const Tree tree;
  SafeDirectory directory = SafeDirectory::open(tree.root()).value();
  if (GENERATE(false, true)) directory.avoid_openat2();
  const auto entries = directory.list("");
  REQUIRE(entries.has_value());
  std::vector<std::string> names;
  for (const auto& entry : *entries) names.push_back(entry.name + (entry.is_directory ? "/" : ""));
  CHECK(names == std::vector<std::string>{"sub/", "file", "good"});
  CHECK_FALSE(directory.list("file").has_value());
}
