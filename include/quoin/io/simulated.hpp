// SPDX-License-Identifier: MIT
/// A network in memory with a virtual clock, for tests: yours as well as ours. Nothing here
/// touches a socket, a real clock or real randomness, so a run is repeated by its seed alone.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/export.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/time.hpp>

namespace quoin {
class Loop;
}

namespace quoin::io {

/// One direction of the way between two hosts. Change it at any time; what is on its way already
/// is not affected.
struct Link {
  Duration delay = std::chrono::milliseconds{10};  ///< one way
  double loss = 0;                                 ///< probability that a datagram is lost, 0 to 1
  double corruption = 0;   ///< probability that one byte of a datagram is flipped, 0 to 1
  double duplication = 0;  ///< probability that a datagram arrives twice, 0 to 1
  Duration jitter{};       ///< up to so much is added to the delay, evenly; reorders
  std::size_t mtu = 1500;  ///< bytes of IP packet; larger ones vanish
  std::uint64_t bits_per_second = 0;  ///< 0: no limit
  std::size_t queue = 100;            ///< datagrams waiting for a limited link; more are dropped
  bool down = false;                  ///< true: everything is lost
  std::vector<std::uint64_t> drop{};  ///< numbers of the datagrams to lose, the first sent being 1
};

/// What became of a datagram.
enum class Fate : std::uint8_t {
  delivered,    ///< handed to a socket of the receiving host
  lost,         ///< by chance, by Link::drop, on a link that is down, or no host has the address
  too_large,    ///< larger than the link's MTU
  queue_full,   ///< the link's queue had no room
  unreachable,  ///< no socket there; the sender got an error like an ICMP message
};

/// One datagram as the tap sees it; the views are valid for the call.
struct Observation {
  Time time;                 ///< when it was sent, or for Fate::delivered when it arrived
  std::uint64_t number = 0;  ///< counts the datagrams of its link, from 1
  const Datagram& datagram;  ///< never a train
  Fate fate{};               ///< what became of it
};

/// Hosts, links, one virtual clock and one seed. Two runs with one seed and the same program are
/// equal in what the network does; each link draws its own luck. Members that take an IP address
/// as text throw std::invalid_argument if it is none.
class QUOIN_EXPORT SimulatedNetwork {
 public:
  /// `seed` decides all loss, jitter and all random bytes that the hosts draw.
  explicit SimulatedNetwork(std::uint64_t seed);
  SimulatedNetwork(const SimulatedNetwork&) = delete;
  SimulatedNetwork& operator=(const SimulatedNetwork&) = delete;
  /// Destroys the loops. What runs on them (servers, clients) must be gone before.
  ~SimulatedNetwork();

  /// The loop of the host with this IP address, which is made on the first call and owned by the
  /// network. Sockets of the host may be opened on its addresses or on the unspecified one. The
  /// network turns the loop; do not call its run(), which would wait for ever.
  [[nodiscard]] Loop& host(std::string_view ip);
  /// Gives a host one more IP address, for migration.
  void add_address(std::string_view host_ip, std::string_view another_ip);
  /// The direction `from` -> `to`, made on the first call with the default values; any address
  /// of a host may be used, and each pair of addresses is a link of its own.
  [[nodiscard]] Link& link(std::string_view from, std::string_view to);
  /// Sets both directions.
  void link_both(std::string_view a, std::string_view b, const Link& link);
  /// Called with every datagram when its fate is known. Replaces the tap before.
  void tap(std::function<void(const Observation&)> observer);
  /// Puts a datagram on its way at once, as if `path.local` had sent it: for attackers.
  void inject(const Datagram& datagram);

  /// Runs all hosts' loops until `done` (asked after every step) or for `limit` of virtual time;
  /// false on the limit, and if nothing at all is left to happen.
  [[nodiscard]] bool run_until(std::move_only_function<bool()> done, Duration limit);
  /// Runs all hosts' loops for `span` of virtual time.
  void run_for(Duration span);
  /// The virtual present.
  [[nodiscard]] Time now() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::io
