// SPDX-License-Identifier: MIT
/// Hot restart: one group of workers takes the sockets of another over, here in one process.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/io/uring.hpp>
#include <quoin/loop.hpp>
#include <quoin/server.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>
#include <quoin/workers.hpp>

using namespace quoin;
using namespace std::chrono_literals;

namespace {

// A folder for the socket at which processes meet.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "quoin-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  ~Folder() { std::filesystem::remove_all(path); }

  std::filesystem::path path;
};

// What a process does: it answers with its name, and counts what it is sent.
struct Process {
  Process(const Tls& tls, std::string name, unsigned count = 2, Workers::MakeBackend io = {})
      : workers(
            count, tls, {},
            [name](const Workers::Worker& worker) {
              worker.server.get("/", [name](Request, Response response) { response.end(name); });
              worker.server.post("/count", [name](Request request, Response response) {
                request.read_body(
                    std::size_t{8} << 20U, [name, response](Result<std::string> body) mutable {
                      response.end(name +
                                   (body ? std::to_string(body->size()) : body.error().message()));
                    });
              });
            },
            std::move(io)) {}

  void offer(const std::filesystem::path& path) {
    const auto offered = workers.offer(path, [this] {
      workers.shutdown(20s);
      taken = true;
    });
    INFO((offered ? std::string{} : offered.error().message()));
    REQUIRE(offered.has_value());
  }

  Workers workers;
  std::atomic<bool> taken = false;
};

struct World {
  std::unique_ptr<Client> make_client() {
    return std::make_unique<Client>(loop, Tls::client_from_pem(tls.certificate_pem()).value());
  }

  void run_until(const std::function<bool()>& condition) {
    bool late = false;
    bool done = false;
    const TimerId limit = loop.after(20s, [&] { late = true; });
    while (!(done = condition()) && !late) {
      const TimerId tick = loop.after(1ms, [] {});  // conditions of other threads wake nobody
      loop.wait();
      loop.turn();
      loop.cancel(tick);
    }
    loop.cancel(limit);
    REQUIRE(done);
  }

  std::string ask(Client& client) {
    std::optional<Result<Reply>> outcome;
    client.get(url, [&](Result<Reply> reply) { outcome.emplace(std::move(reply)); });
    run_until([&] { return outcome.has_value(); });
    INFO((*outcome ? std::string{} : outcome->error().message()));
    REQUIRE(outcome->has_value());
    return (*outcome)->body;
  }

  Folder folder;
  std::filesystem::path path = folder.path / "takeover";
  Tls tls = Tls::self_signed().value();
  Loop loop;
  std::string url;
};

// An upload that ends when it is told to.
struct Upload {
  static constexpr std::size_t half = 1'000'000;

  Upload(World& world, Client& client) {
    call = client.request(
        {.method = "POST",
         .url = world.url + "count",
         .body = Writer{[this](std::span<std::byte> room) {
           const std::size_t size = std::min(room.size(), allowed - sent);
           std::ranges::fill(room.first(size), std::byte{'u'});
           sent += size;
           return Filled{.bytes = size, .last = sent == 2 * half};
         }}},
        {.done = [this](Result<Reply> reply) { outcome.emplace(std::move(reply)); }});
  }

  void finish() {
    allowed = 2 * half;
    call.resume();
  }

  std::size_t allowed = half;
  std::size_t sent = 0;
  std::optional<Result<Reply>> outcome;
  Call call;
};

}  // namespace

TEST_CASE("a new process gets new clients, and the old one finishes what it has begun") {
  World world;
  Workers::MakeBackend io;
  SECTION("with epoll") {}
  SECTION("with io_uring") {
    if (!io::uring_support()) SKIP("this kernel has no io_uring for it");
    io = [](const io::SocketOptions& options) { return io::uring_backend(options); };
  }
  Process first{world.tls, "first", 2, io};
  const Result<Address> address = first.workers.listen("127.0.0.1:0");
  REQUIRE(address.has_value());
  world.url = "https://" + address->to_string() + "/";
  first.workers.start();
  first.offer(world.path);

  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::unique_ptr<Upload>> uploads;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(world.make_client());
    uploads.push_back(std::make_unique<Upload>(world, *clients.back()));
    world.run_until([&] { return uploads.back()->sent == Upload::half; });
  }

  Process second{world.tls, "second", 5, io};
  const auto taken = second.workers.take_over(world.path);
  REQUIRE(taken.has_value());
  CHECK(*taken == std::vector{*address});
  CHECK(second.workers.count() == 2);
  second.workers.start();
  second.offer(world.path);
  world.run_until([&] { return first.taken.load(); });

  // Both of the new ones' workers are met, and the old clients' new requests go there too.
  for (int i = 0; i < 8; ++i) CHECK(world.ask(*world.make_client()) == "second");
  for (const auto& client : clients) CHECK(world.ask(*client) == "second");

  // A third one, while the first is not over: datagrams for it go over two relays.
  Process third{world.tls, "third", 2, io};
  REQUIRE(third.workers.take_over(world.path).has_value());
  third.workers.start();
  world.run_until([&] { return second.taken.load(); });
  CHECK(world.ask(*world.make_client()) == "third");

  for (const auto& upload : uploads) upload->finish();
  for (const auto& upload : uploads) {
    world.run_until([&] { return upload->outcome.has_value(); });
    INFO((*upload->outcome ? std::string{} : upload->outcome->error().message()));
    REQUIRE(upload->outcome->has_value());
    CHECK((*upload->outcome)->body == "first2000000");
  }
  first.workers.join();
  second.workers.join();
  CHECK(world.ask(*world.make_client()) == "third");
  CHECK(first.workers.stats().responses == 8);
  CHECK(first.workers.stats().requests_failed == 0);
  CHECK(second.workers.stats().requests_failed == 0);
}

TEST_CASE("a new process that fails before it starts leaves the old one as it was") {
  World world;
  Process first{world.tls, "first"};
  const Result<Address> address = first.workers.listen("127.0.0.1:0");
  REQUIRE(address.has_value());
  world.url = "https://" + address->to_string() + "/";
  first.workers.start();
  first.offer(world.path);
  {
    Process failing{world.tls, "failing"};
    REQUIRE(failing.workers.take_over(world.path).has_value());
  }
  for (int i = 0; i < 4; ++i) CHECK(world.ask(*world.make_client()) == "first");
  CHECK_FALSE(first.taken);
  // The next one finds the offer still there.
  Process second{world.tls, "second"};
  std::optional<Result<std::vector<Address>>> taken;
  world.run_until([&] {
    taken = second.workers.take_over(world.path);
    return taken->has_value();
  });
  second.workers.start();
  world.run_until([&] { return first.taken.load(); });
  CHECK(world.ask(*world.make_client()) == "second");
}

TEST_CASE("taking over and offering say what is wrong") {
  World world;
  Process process{world.tls, "one"};
  const auto code = [](const auto& result) {
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().domain() == Error::Domain::system);
    return static_cast<int>(result.error().code());
  };
  CHECK(code(process.workers.take_over(world.path)) == ENOENT);
  CHECK(process.workers.offer(world.path, {}).error() == Error{UsageError::closed});
  REQUIRE(process.workers.listen("127.0.0.1:0").has_value());
  CHECK(process.workers.take_over(world.path).error() == Error{UsageError::closed});
  process.workers.start();
  std::ofstream{world.path} << "a file of somebody's";
  CHECK(code(process.workers.offer(world.path, {})) == EEXIST);
  CHECK(std::filesystem::file_size(world.path) == 20);
  std::filesystem::remove(world.path);
  REQUIRE(process.workers.offer(world.path, {}).has_value());
  CHECK((std::filesystem::status(world.path).permissions() & std::filesystem::perms::mask) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));

  Process other{world.tls, "other"};
  REQUIRE(other.workers.listen("127.0.0.1:0").has_value());
  other.workers.start();
  CHECK(code(other.workers.offer(world.path, {})) == EADDRINUSE);
  CHECK(code(other.workers.offer(world.folder.path / std::string(200, 'x'), {})) == ENAMETOOLONG);
}
