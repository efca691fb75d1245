// SPDX-License-Identifier: MIT
/// Simulated hosts: a backend each, their loops, and running it all in virtual time. The one file
/// of io that knows loops (docs/decisions/0002-simulated-network-owns-loops.md).

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "simulated/wire.hpp"

namespace quoin::inline v0::io {

namespace {

constexpr std::size_t max_received = 64;       // datagrams a batch
constexpr std::size_t max_send_segments = 64;  // as the kernel has it
constexpr std::uint16_t first_free_port = 49152;

Address parse_ip(std::string_view ip) {
  const Result<Address> address = Address::parse_host(ip, 0);
  if (!address) {
    throw std::invalid_argument{"SimulatedNetwork: " + address.error().message()};
  }
  return *address;
}

Time later(Time time, Duration span) noexcept {
  return span < Time::max() - time ? time + span : Time::max();
}

std::unexpected<Error> refused(int failure, std::string_view why, const Address& address) {
  return std::unexpected(Error{Error::Domain::system, static_cast<std::uint64_t>(failure),
                               std::string{why}.append(" ").append(address.to_string())});
}

/// A host's sockets and clock.
class SimulatedBackend final : public Backend {
 public:
  SimulatedBackend(Wire& wire, Station& station) noexcept : wire_(wire), station_(station) {}

  [[nodiscard]] Time now() const noexcept override { return wire_.now(); }

  void fill_random(std::span<std::byte> out) noexcept override {
    std::ranges::generate(out, [this] { return static_cast<std::byte>(station_.random.next()); });
  }

  [[nodiscard]] Result<Address> open(const Address& local) override;
  [[nodiscard]] Result<Address> source_for(const Address& remote) override;

  void close(const Address& local) noexcept override { std::erase(station_.sockets, local); }

  [[nodiscard]] Capabilities capabilities() const noexcept override {
    return {.may_fragment = false,
            .max_send_segments = max_send_segments,
            .receive_offload = false,
            .ecn = true};
  }

  /// The network decides which host runs when, so there is nothing to wait for.
  void wait(std::optional<Time> /*deadline*/) override {}

  [[nodiscard]] std::span<const Datagram> receive() override;
  [[nodiscard]] std::size_t send(std::span<const Datagram> batch) override;
  [[nodiscard]] std::span<const PathError> errors() override;

  void wake() noexcept override { station_.is_woken.store(true); }

  [[nodiscard]] std::string describe() const override {
    return "simulated host " + station_.name.host();
  }

 private:
  [[nodiscard]] bool is_taken(const Address& local) const noexcept;

  Wire& wire_;
  Station& station_;
  std::uint16_t next_port_ = first_free_port;
  std::vector<Packet> received_;  // what the views of datagrams_ are of
  std::vector<Datagram> datagrams_;
  std::vector<PathError> errors_;
};

bool SimulatedBackend::is_taken(const Address& local) const noexcept {
  return std::ranges::any_of(station_.sockets, [&](const Address& socket) {
    const bool overlaps = socket == local || socket.is_any() || local.is_any();
    return overlaps && socket.port() == local.port() && socket.is_ipv4() == local.is_ipv4();
  });
}

Result<Address> SimulatedBackend::open(const Address& local) {
  if (!local.is_any() && !station_.has(local)) {
    return refused(EADDRNOTAVAIL, "the simulated host does not have the address of", local);
  }
  Address bound = local;
  while (bound.port() == 0 || (local.port() == 0 && is_taken(bound))) {
    bound = local.with_port(next_port_);
    next_port_ = next_port_ == 65535 ? first_free_port : static_cast<std::uint16_t>(next_port_ + 1);
  }
  if (is_taken(bound)) return refused(EADDRINUSE, "there is a socket already on", bound);
  station_.sockets.push_back(bound);
  return bound;
}

Result<Address> SimulatedBackend::source_for(const Address& remote) {
  const auto found = std::ranges::find(station_.addresses, remote.is_ipv4(), &Address::is_ipv4);
  if (found == station_.addresses.end()) {
    return refused(ENETUNREACH, "the simulated host has no address of the family of", remote);
  }
  return *found;
}

std::span<const Datagram> SimulatedBackend::receive() {
  for (Packet& packet : received_) {
    wire_.recycle(std::move(packet));
  }
  received_.clear();
  datagrams_.clear();
  while (!station_.inbox.empty() && received_.size() < max_received) {
    received_.push_back(std::move(station_.inbox.front()));
    station_.inbox.pop_front();
    const Packet& packet = received_.back();
    datagrams_.push_back({.path = {.local = packet.path.remote, .remote = packet.path.local},
                          .payload = packet.payload,
                          .ecn = packet.ecn});
  }
  return datagrams_;
}

std::size_t SimulatedBackend::send(std::span<const Datagram> batch) {
  for (Datagram datagram : batch) {
    Address& source = datagram.path.local;
    if (source.is_any()) {
      source = source_for(datagram.path.remote).value_or(Address{}).with_port(source.port());
    }
    if (station_.has(source) && station_.listens(source)) {
      wire_.transmit(datagram);
    }
  }
  return batch.size();
}

std::span<const PathError> SimulatedBackend::errors() {
  errors_.clear();
  errors_.swap(station_.errors);
  return errors_;
}

/// A host: what the wire knows, and the loop on it.
struct Host {
  Station station;
  Loop loop;

  Host(Wire& wire, const Address& name, std::uint64_t seed)
      : station(name, seed), loop(std::make_unique<SimulatedBackend>(wire, station)) {
    wire.connect(station);
  }

  /// Turns the loop if it has something to do.
  [[nodiscard]] bool turn(Time now) {
    const std::optional<Time> deadline = loop.deadline();
    const bool is_woken = station.is_woken.exchange(false);
    if (!is_woken && station.inbox.empty() && station.errors.empty() &&
        (!deadline || *deadline > now)) {
      return false;
    }
    loop.turn();
    return true;
  }
};

}  // namespace

struct SimulatedNetwork::Impl {
  explicit Impl(std::uint64_t with_seed) noexcept : seed(with_seed), wire(with_seed) {}

  [[nodiscard]] Host& host(std::string_view ip);
  [[nodiscard]] std::optional<Time> next() const noexcept;
  [[nodiscard]] bool run(std::move_only_function<bool()>& done, Time end);

  [[nodiscard]] bool run_jobs();

  std::uint64_t seed;
  Wire wire;
  std::vector<std::unique_ptr<Host>> hosts;
  std::multimap<Time, std::move_only_function<void()>> jobs;
};

Host& SimulatedNetwork::Impl::host(std::string_view ip) {
  const Address name = parse_ip(ip);
  const auto found = std::ranges::find_if(hosts, [&](const auto& host) {
    return host->station.name == name || host->station.has(name);
  });
  return found != hosts.end() ? **found
                              : *hosts.emplace_back(std::make_unique<Host>(wire, name, seed));
}

std::optional<Time> SimulatedNetwork::Impl::next() const noexcept {
  std::optional<Time> first = wire.next();
  if (!jobs.empty() && (!first || jobs.begin()->first < *first)) {
    first = jobs.begin()->first;
  }
  for (const auto& host : hosts) {
    const std::optional<Time> deadline = host->loop.deadline();
    first = deadline && (!first || *deadline < *first) ? deadline : first;
  }
  return first;
}

/// True: one ran.
bool SimulatedNetwork::Impl::run_jobs() {
  bool has_run = false;
  for (; !jobs.empty() && jobs.begin()->first <= wire.now(); has_run = true) {
    auto job = jobs.extract(jobs.begin());
    job.mapped()();
  }
  return has_run;
}

/// Runs up to and including what is due at `end`; true as soon as `done`.
bool SimulatedNetwork::Impl::run(std::move_only_function<bool()>& done, Time end) {
  // Turns cost no virtual time; if a loop always wants one more, the clock still moves.
  constexpr int max_rounds_at_once = 10'000;
  constexpr Duration step = std::chrono::microseconds{1};
  for (int rounds = 0; wire.now() <= end;) {
    bool has_turned = run_jobs();
    if (has_turned && done()) return true;
    wire.deliver();
    // NOLINTNEXTLINE(modernize-loop-convert): a handler may make one more
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      if (hosts[i]->turn(wire.now())) {
        has_turned = true;
        if (done()) return true;
      }
    }
    if (has_turned) {
      if (++rounds > max_rounds_at_once) {
        wire.advance(wire.now() + step);
      }
      continue;
    }
    const std::optional<Time> following = next();
    if (!following) return false;
    if (*following > end) break;
    wire.advance(*following);
    rounds = 0;
  }
  wire.advance(end);
  return done();
}

SimulatedNetwork::SimulatedNetwork(std::uint64_t seed) : impl_(std::make_unique<Impl>(seed)) {}

SimulatedNetwork::~SimulatedNetwork() = default;

Loop& SimulatedNetwork::host(std::string_view ip) { return impl_->host(ip).loop; }

void SimulatedNetwork::add_address(std::string_view host_ip, std::string_view another_ip) {
  const Address address = parse_ip(another_ip);
  if (impl_->wire.find(address) != nullptr) {
    throw std::invalid_argument{"SimulatedNetwork: a host has the address " + address.host() +
                                " already"};
  }
  impl_->host(host_ip).station.addresses.push_back(address);
}

void SimulatedNetwork::remove_address(std::string_view ip) {
  const Address address = parse_ip(ip);
  if (Station* const station = impl_->wire.find(address)) {
    std::erase(station->addresses, address);
  }
}

Link& SimulatedNetwork::link(std::string_view from, std::string_view to) {
  return impl_->wire.link(parse_ip(from), parse_ip(to));
}

void SimulatedNetwork::link_both(std::string_view a, std::string_view b, const Link& link) {
  this->link(a, b) = link;
  this->link(b, a) = link;
}

void SimulatedNetwork::outage(std::string_view a, std::string_view b, Duration start,
                              Duration length) {
  const std::array<Link*, 2> directions{&link(a, b), &link(b, a)};
  const auto set = [directions](bool down) {
    std::ranges::for_each(directions, [down](Link* link) { link->down = down; });
  };
  after(start, [set] { set(true); });
  after(start + length, [set] { set(false); });
}

void SimulatedNetwork::nat(std::string_view ip, std::string_view public_ip) {
  const Address inside = parse_ip(ip);
  const Address outside = parse_ip(public_ip);
  if (impl_->wire.find(outside) != nullptr || inside.is_ipv4() != outside.is_ipv4() ||
      impl_->wire.has_nat(inside)) {
    throw std::invalid_argument{"SimulatedNetwork: " + inside.host() + " cannot be seen as " +
                                outside.host() +
                                ": it has a NAT, a host has that address, or it is of the other "
                                "family"};
  }
  impl_->wire.add_nat(inside, outside);
}

void SimulatedNetwork::rebind(std::string_view ip) {
  if (!impl_->wire.rebind(parse_ip(ip), std::nullopt)) {
    throw std::invalid_argument{"SimulatedNetwork: there is no NAT in front of " + std::string{ip}};
  }
}

void SimulatedNetwork::rebind(std::string_view ip, std::string_view new_public_ip) {
  if (!impl_->wire.rebind(parse_ip(ip), parse_ip(new_public_ip))) {
    throw std::invalid_argument{"SimulatedNetwork: there is no NAT in front of " + std::string{ip}};
  }
}

void SimulatedNetwork::tap(std::move_only_function<void(const Observation&)> observer) {
  impl_->wire.tap(std::move(observer));
}

void SimulatedNetwork::intercept(std::move_only_function<bool(const Datagram&)> passes) {
  impl_->wire.intercept(std::move(passes));
}

void SimulatedNetwork::inject(const Datagram& datagram) { impl_->wire.transmit(datagram, true); }

void SimulatedNetwork::after(Duration delay, std::move_only_function<void()> job) {
  impl_->jobs.emplace(later(now(), std::max(delay, Duration::zero())), std::move(job));
}

bool SimulatedNetwork::run_until(std::move_only_function<bool()> done, Duration limit) {
  return done() || impl_->run(done, later(impl_->wire.now(), limit));
}

void SimulatedNetwork::run_for(Duration span) {
  const Time end = later(impl_->wire.now(), span);
  std::move_only_function<bool()> never = [] { return false; };
  (void)impl_->run(never, end);
  impl_->wire.advance(end);
}

Time SimulatedNetwork::now() const noexcept { return impl_->wire.now(); }

}  // namespace quoin::inline v0::io
