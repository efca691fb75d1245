// SPDX-License-Identifier: MIT
/// Static files as a client sees them: types, conditions, ranges, listings, and nothing outside.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/server.hpp>

#include "support/http_world.hpp"

using namespace quoin;
using namespace quoin::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

// A directory that is gone after the test.
class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "quoin-files-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    fs::create_directories(path_ / "root/sub");
    write("root/a.txt", "0123456789");
    write("root/sub/b.html", "<p>b</p>");
    write("root/empty", "");
    write("outside.txt", "secret");
    fs::create_symlink("../outside.txt", path_ / "root/escape");
    fs::create_symlink("a.txt", path_ / "root/inside");
    fs::create_directory_symlink("..", path_ / "root/up");
  }

  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  ~Directory() { fs::remove_all(path_); }

  void write(const fs::path& file, std::string_view text) const {
    std::ofstream{path_ / file, std::ios::binary} << text;
  }

  [[nodiscard]] fs::path root() const { return path_ / "root"; }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("files come with their type, length and validators") {
  const Directory directory;
  HttpWorld world;
  REQUIRE(world.server->files("/", directory.root()).has_value());
  const Reply text = world.get("/a.txt");
  CHECK(text.status == 200);
  CHECK(text.body == "0123456789");
  CHECK(HttpWorld::header(text, "content-type") == "text/plain; charset=utf-8");
  CHECK(HttpWorld::header(text, "content-length") == "10");
  CHECK(HttpWorld::header(text, "accept-ranges") == "bytes");
  CHECK(HttpWorld::header(text, "last-modified").ends_with(" GMT"));
  CHECK(HttpWorld::header(text, "etag").starts_with('"'));
  CHECK(world.get("/sub/b.html").body == "<p>b</p>");
  CHECK(world.get("/inside").body == "0123456789");
  const Reply empty = world.get("/empty");
  CHECK(empty.status == 200);
  CHECK(empty.body.empty());
  CHECK(HttpWorld::header(empty, "content-type") == "application/octet-stream");
}

TEST_CASE("a client that has the file already gets a 304") {
  const Directory directory;
  HttpWorld world;
  REQUIRE(world.server->files("/", directory.root()).has_value());
  const Reply first = world.get("/a.txt");
  const std::string etag = HttpWorld::header(first, "etag");
  const Reply same = world.get("/a.txt", {{"if-none-match", "\"x\", W/" + etag}});
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(HttpWorld::header(same, "etag") == etag);
  const std::string date = HttpWorld::header(first, "last-modified");
  CHECK(world.get("/a.txt", {{"if-modified-since", date}}).status == 304);
  CHECK(world.get("/a.txt", {{"if-match", "\"other\""}}).status == 412);
  directory.write("a.txt", "x");
  directory.write("root/a.txt", "changed");
  CHECK(world.get("/a.txt", {{"if-none-match", etag}}).body == "changed");
}

TEST_CASE("a single range is a 206, an impossible one a 416, several are the whole file") {
  const Directory directory;
  HttpWorld world;
  REQUIRE(world.server->files("/", directory.root()).has_value());
  const Reply middle = world.get("/a.txt", {{"range", "bytes=2-4"}});
  CHECK(middle.status == 206);
  CHECK(middle.body == "234");
  CHECK(HttpWorld::header(middle, "content-range") == "bytes 2-4/10");
  CHECK(world.get("/a.txt", {{"range", "bytes=-3"}}).body == "789");
  CHECK(world.get("/a.txt", {{"range", "bytes=8-"}}).body == "89");
  const Reply beyond = world.get("/a.txt", {{"range", "bytes=10-"}});
  CHECK(beyond.status == 416);
  CHECK(HttpWorld::header(beyond, "content-range") == "bytes */10");
  CHECK(world.get("/a.txt", {{"range", "bytes=0-0,2-3"}}).status == 200);
  CHECK(world.get("/a.txt", {{"range", "bytes=0-1"}, {"if-range", "\"old\""}}).status == 200);
}

TEST_CASE("no path leads out of the directory") {
  const Directory directory;
  HttpWorld world;
  REQUIRE(world.server->files("/", directory.root()).has_value());
  REQUIRE(world.server->files("/static", directory.root()).has_value());
  for (const std::string target :
       {"/../outside.txt", "/%2e%2e/outside.txt", "/%2e%2e%2foutside.txt", "/sub/../../outside.txt",
        "/..%2foutside.txt", "/escape", "/up/outside.txt", "/a.txt%00.html", "//etc/passwd",
        "/%2fetc/passwd", "/sub//b.html", "/./a.txt", "/a.txt/", "/%zz", "/static/../a.txt",
        "/static/%2e%2e/outside.txt"}) {
    INFO(target);
    const Reply reply = world.get(target);
    CHECK(reply.status == 404);
    CHECK_FALSE(reply.body.contains("secret"));
  }
  CHECK(world.get("/st%61tic/a.txt").body == "0123456789");
}

TEST_CASE("directories show their index, a listing if wanted, and move to the slash at their end") {
  const Directory directory;
  directory.write("root/sub/<&\">.txt", "odd");
  HttpWorld world;
  REQUIRE(world.server->files("/plain", directory.root()).has_value());
  REQUIRE(world.server->files("/listed", directory.root(), {.listing = true}).has_value());
  CHECK(world.get("/plain/").status == 404);
  const Reply moved = world.get("/listed/sub?q=1");
  CHECK(moved.status == 301);
  CHECK(HttpWorld::header(moved, "location") == "/listed/sub/?q=1");
  CHECK(HttpWorld::header(world.get("/listed"), "location") == "/listed/");
  const Reply page = world.get("/listed/sub/");
  CHECK(HttpWorld::header(page, "content-type") == "text/html; charset=utf-8");
  CHECK(page.body.contains("b.html"));
  CHECK(page.body.contains("%3C%26%22%3E.txt"));
  CHECK(page.body.contains("&lt;&amp;&quot;&gt;.txt"));
  CHECK_FALSE(page.body.contains("<&"));
  const Reply root = world.get("/listed/");
  CHECK(root.body.contains("inside"));
  CHECK_FALSE(root.body.contains("escape"));
  CHECK_FALSE(root.body.contains("\"./up"));
  directory.write("root/index.html", "the index");
  CHECK(world.get("/plain/").body == "the index");
}

TEST_CASE("a file that shrinks while it is sent ends with a reset stream") {
  const Directory directory;
  constexpr std::size_t size = 8 * 1024 * 1024;
  directory.write("root/big", pattern(size));
  HttpWorld world;
  world.network.link_both("10.0.0.1", "10.0.0.2", {.bits_per_second = 20'000'000});
  REQUIRE(world.server->files("/", directory.root()).has_value());
  std::size_t received = 0;
  std::optional<Result<Reply>> outcome;
  ClientCallbacks callbacks;
  callbacks.on_data = [&](Bytes chunk, bool) {
    if (received == 0) fs::resize_file(directory.root() / "big", size / 2);
    received += chunk.size();
    return chunk.size();
  };
  callbacks.done = [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); };
  world.client->request({.method = "GET", .url = HttpWorld::url("/big"), .headers = {}, .body = {}},
                        std::move(callbacks));
  REQUIRE(world.network.run_until([&] { return outcome.has_value(); }, 30s));
  REQUIRE_FALSE(outcome->has_value());
  CHECK(outcome->error() == Error{HttpError::internal_error});
  CHECK(received <= size / 2);
}

TEST_CASE("what cannot be served is said before anything is served") {
  const Directory directory;
  HttpWorld world;
  const auto missing = world.server->files("/", directory.root() / "missing");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().message().contains("missing"));
  CHECK_FALSE(world.server->files("/", directory.root() / "a.txt").has_value());
  CHECK_FALSE(world.server->files("static", directory.root()).has_value());
}

namespace {

// A server with a clock by which no file has changed lately.
HttpOptions with_late_clock() {
  HttpOptions options;
  options.server.wall_clock = [] {
    return std::chrono::system_clock::now() + std::chrono::hours{1};
  };
  return options;
}

}  // namespace

TEST_CASE("a file asked for again comes from memory, whatever it is called") {
  const Directory directory;
  HttpWorld world{with_late_clock()};
  REQUIRE(world.server->files("/", directory.root()).has_value());
  const Reply first = world.get("/a.txt");
  CHECK(world.server->stats().files_from_memory == 0);
  const Reply second = world.get("/a.txt?query");
  CHECK(world.server->stats().files_from_memory == 1);
  CHECK(second.body == "0123456789");
  for (const std::string_view name :
       {"content-type", "content-length", "etag", "last-modified", "accept-ranges"}) {
    INFO(name);
    CHECK(HttpWorld::header(second, name) == HttpWorld::header(first, name));
  }
  const Result<Reply> head =
      world.fetch({.method = "HEAD", .url = "/a.txt", .headers = {}, .body = {}});
  REQUIRE(head.has_value());
  CHECK(head->body.empty());
  CHECK(HttpWorld::header(*head, "content-length") == "10");
  CHECK(world.server->stats().files_from_memory == 2);
}

TEST_CASE("ranges and conditions are seen to although the file is in memory") {
  const Directory directory;
  HttpWorld world{with_late_clock()};
  REQUIRE(world.server->files("/", directory.root()).has_value());
  const std::string etag = HttpWorld::header(world.get("/a.txt"), "etag");
  CHECK(world.get("/a.txt", {{"range", "bytes=2-4"}}).body == "234");
  CHECK(world.get("/a.txt", {{"if-none-match", etag}}).status == 304);
  CHECK(world.server->stats().files_from_memory == 0);
}

TEST_CASE("a file in memory that changed, moved or leads outside is not sent") {
  const Directory directory;
  HttpWorld world{with_late_clock()};
  REQUIRE(world.server->files("/", directory.root()).has_value());
  const fs::path file = directory.root() / "a.txt";
  CHECK(world.get("/a.txt").body == "0123456789");
  directory.write("root/a.txt", "changed");
  CHECK(world.get("/a.txt").body == "changed");
  CHECK(world.get("/a.txt").body == "changed");
  fs::remove(file);
  CHECK(world.get("/a.txt").status == 404);
  directory.write("root/a.txt", "new");
  CHECK(world.get("/a.txt").body == "new");
  fs::remove(file);
  fs::create_symlink("../outside.txt", file);
  CHECK(world.get("/a.txt").status == 404);
  CHECK(world.server->stats().files_from_memory == 1);
}

TEST_CASE("no more files are kept in memory than it was given") {
  const Directory directory;
  HttpWorld world{with_late_clock()};
  const std::string large(20'000, 'x');
  for (const char* const name : {"root/1", "root/2", "root/3"}) directory.write(name, large);
  FileOptions options;
  options.cache_bytes = 50'000;
  REQUIRE(world.server->files("/", directory.root(), options).has_value());
  for (const char* const name : {"/1", "/2", "/1", "/3"}) CHECK(world.get(name).body == large);
  CHECK(world.server->stats().files_from_memory == 1);  // the second /1
  (void)world.get("/1");                                // used after /2, so that had to go
  CHECK(world.server->stats().files_from_memory == 2);
  (void)world.get("/2");
  CHECK(world.server->stats().files_from_memory == 2);
}

TEST_CASE("a file that has changed just now is not kept in memory, nor is one without a clock") {
  const Directory directory;
  HttpOptions options;
  SECTION("just now") { options.server.wall_clock = std::chrono::system_clock::now; }
  SECTION("no clock") {}
  HttpWorld world{std::move(options)};
  REQUIRE(world.server->files("/", directory.root()).has_value());
  CHECK(world.get("/a.txt").body == "0123456789");
  CHECK(world.get("/a.txt").body == "0123456789");
  CHECK(world.server->stats().files_from_memory == 0);
}
