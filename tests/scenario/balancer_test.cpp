// SPDX-License-Identifier: MIT
/// Two servers behind a load balancer that keeps nothing: it routes by connection IDs, and by
/// addresses only what has none of a server yet.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/datagram.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/cid.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/simulated.hpp>
#include <quoin/tls.hpp>

using namespace quoin;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view service = "10.0.0.100";
constexpr std::string_view service_address = "10.0.0.100:4433";
constexpr std::array<std::string_view, 2> machines{"10.0.1.1", "10.0.1.2"};

enum class Routing : std::uint8_t { by_address, by_plain_cid, by_encrypted_cid };

quic::RoutableCids form(Routing routing, std::size_t machine) {
  quic::RoutableCids form;
  form.server_id = {'m', static_cast<char>(machine)};
  if (routing == Routing::by_encrypted_cid) form.key = "the balancer's k";
  return form;
}

/// A generator of a program's own: it may be told another form while it is in use.
class Rotating final : public quic::CidGenerator {
 public:
  explicit Rotating(const quic::RoutableCids& form) : now_(quic::routable_cids(form).value()) {}

  void rotate(const quic::RoutableCids& form) { now_ = quic::routable_cids(form).value(); }

  [[nodiscard]] std::size_t size() const noexcept override { return now_->size(); }

  void generate(std::span<std::byte> cid) noexcept override { now_->generate(cid); }

 private:
  std::shared_ptr<quic::CidGenerator> now_;
};

/// From the destination connection ID on (RFC 8999 §5).
Bytes from_cid(Bytes datagram) {
  const bool is_long = (std::to_integer<unsigned>(datagram[0]) & 0x80U) != 0;
  return datagram.subspan(is_long ? 6 : 1);
}

quic::Config settings() {
  quic::Config config;
  config.alpn = {"echo"};
  return config;
}

/// What a client sends without end, an echo at a time.
struct Talker {
  explicit Talker(Loop& loop, const Tls& trust) : dialer(loop, trust, settings()) {
    const auto begun =
        dialer.connect(service_address, "localhost", [this](const Result<Connection>& connection) {
          REQUIRE(connection.has_value());
          client = *connection;
          client.on_closed([this](const Error&) { lost = true; });
          stream = client.open_stream().value();
          stream.on_data([this](Bytes data, bool) {
            ++echoes;
            (void)stream.write(data);
            return data.size();
          });
          (void)stream.write(as_bytes(std::string_view{"hello"}));
        });
    REQUIRE(begun.has_value());
  }

  Dialer dialer;
  Connection client;
  Stream stream;
  std::size_t echoes = 0;
  bool lost = false;
};

struct Farm {
  static constexpr std::size_t clients = 6;

  explicit Farm(Routing how) : routing(how), network(1), tls(Tls::self_signed().value()) {
    (void)network.host(service);
    for (std::size_t i = 0; i < machines.size(); ++i) add_machine(i);
    network.intercept([this](const Datagram& datagram) { return pass(datagram); });
    for (std::size_t i = 0; i < clients; ++i) {
      const std::string home = "10.0.2." + std::to_string(i + 1);
      Loop& loop = network.host(home);
      network.add_address(home, elsewhere(i));
      talkers.push_back(
          std::make_unique<Talker>(loop, Tls::client_from_pem(tls.certificate_pem()).value()));
    }
  }

  static std::string elsewhere(std::size_t client) {
    return "10.0.3." + std::to_string(client + 2);
  }

  void add_machine(std::size_t machine) {
    quic::Config config = settings();
    if (routing != Routing::by_address) {
      cids.push_back(std::make_shared<Rotating>(form(routing, machine)));
      config.connection_ids = cids.back();
    }
    listeners.push_back(
        std::make_unique<Listener>(network.host(machines.at(machine)), tls, config));
    listeners.back()->on_connection([](Connection connection) {
      connection.on_stream([](Stream stream) {
        stream.on_data([stream](Bytes data, bool last) { return stream.write(data, last); });
      });
    });
    REQUIRE(listeners.back()->listen(std::string{machines.at(machine)} + ":4433").has_value());
  }

  /// The balancer itself.
  [[nodiscard]] std::size_t choose(const Datagram& datagram) {
    const std::byte last = datagram.path.local.ip().back();
    const std::size_t by_address = std::to_integer<std::size_t>(last) % machines.size();
    if (routing == Routing::by_address) return by_address;
    for (const quic::RoutableCids& known : forms()) {
      const auto id = quic::server_id_of(from_cid(datagram.payload), known);
      if (id && id->front() == 'm') return static_cast<std::size_t>(id->back()) % machines.size();
    }
    return by_address;
  }

  [[nodiscard]] std::vector<quic::RoutableCids> forms() const {
    std::vector<quic::RoutableCids> all{form(routing, 0)};
    if (next_form) all.push_back(*next_form);
    return all;
  }

  bool pass(const Datagram& datagram) {
    Datagram copy = datagram;
    if (datagram.path.remote.host() == service) {
      copy.path.remote =
          Address::parse(std::string{machines.at(choose(datagram))} + ":4433").value();
    } else if (std::ranges::find(machines, datagram.path.local.host()) != machines.end()) {
      copy.path.local = Address::parse(service_address).value();
    } else {
      return true;
    }
    network.inject(copy);
    return false;
  }

  [[nodiscard]] std::size_t count_lively(Duration span) {
    std::vector<std::size_t> before;
    for (const auto& talker : talkers) before.push_back(talker->echoes);
    network.run_for(span);
    std::size_t lively = 0;
    for (std::size_t i = 0; i < talkers.size(); ++i) {
      lively += !talkers[i]->lost && talkers[i]->echoes > before[i] ? 1U : 0U;
    }
    return lively;
  }

  Routing routing;
  io::SimulatedNetwork network;
  Tls tls;
  std::vector<std::shared_ptr<Rotating>> cids;
  std::optional<quic::RoutableCids> next_form;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::unique_ptr<Talker>> talkers;
};

}  // namespace

TEST_CASE("connections stay with their server behind a balancer that routes by connection IDs") {
  const auto routing =
      GENERATE(Routing::by_address, Routing::by_plain_cid, Routing::by_encrypted_cid);
  Farm farm{routing};
  farm.network.run_for(300ms);
  REQUIRE(farm.count_lively(300ms) == Farm::clients);
  for (const auto& listener : farm.listeners) {
    CHECK(listener->stats().handshakes_completed == Farm::clients / 2);
  }
  // Each client goes where the other server would get its datagrams, by the address.
  for (std::size_t i = 0; i < Farm::clients; ++i) {
    REQUIRE(farm.talkers[i]->client.migrate(Address::parse(Farm::elsewhere(i) + ":0").value()));
  }
  farm.network.run_for(1s);
  std::size_t moved = 0;
  for (std::size_t i = 0; i < Farm::clients; ++i) {
    const bool arrived = farm.talkers[i]->client.path().local.host() == Farm::elsewhere(i);
    moved += arrived && !farm.talkers[i]->lost ? 1U : 0U;
  }
  // By addresses alone nobody can move; a client that finds that out stays where it is.
  CHECK(moved == (routing == Routing::by_address ? 0 : Farm::clients));
  if (routing != Routing::by_address) CHECK(farm.count_lively(300ms) == Farm::clients);
}

TEST_CASE("a balancer's key is replaced while connections go on") {
  std::set<std::size_t> rotations;  // outlives the farm, whose goodbyes are intercepted, too
  Farm farm{Routing::by_encrypted_cid};
  farm.network.run_for(300ms);
  // First the balancer, then the servers.
  quic::RoutableCids next = form(Routing::by_encrypted_cid, 0);
  next.config_rotation = 1;
  next.key = "the other key...";
  farm.next_form = next;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    next.server_id.back() = static_cast<char>(i);
    farm.cids[i]->rotate(next);
  }
  CHECK(farm.count_lively(300ms) == Farm::clients);
  for (int round = 0; round < 10; ++round) {  // uses up the IDs of before
    for (std::size_t i = 0; i < Farm::clients; ++i) {
      const std::string host =
          round % 2 == 0 ? Farm::elsewhere(i) : "10.0.2." + std::to_string(i + 1);
      REQUIRE(farm.talkers[i]->client.migrate(Address::parse(host + ":0").value()));
    }
    farm.network.run_for(400ms);
  }
  CHECK(farm.count_lively(300ms) == Farm::clients);
  farm.network.intercept([&](const Datagram& datagram) {
    if (datagram.path.remote.host() == service) {
      rotations.insert(std::to_integer<std::size_t>(from_cid(datagram.payload).front()) >> 5U);
    }
    return farm.pass(datagram);
  });
  CHECK(farm.count_lively(300ms) == Farm::clients);
  CHECK(rotations == std::set<std::size_t>{1});
}
