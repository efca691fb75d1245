// SPDX-License-Identifier: MIT
/// A network in memory with a virtual clock, for tests: yours as well as ours. Nothing here touches
/// a socket, a real clock or real randomness, so its seed alone reproduces a run.
#pragma once

#include <quoin/version.hpp>

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

namespace quoin::inline v0 {
class Loop;
}

namespace quoin::inline v0::io {

/// Loss in bursts, as on a wireless link (the Gilbert-Elliott model): a link is in a good or a bad
/// state, and may change with each datagram. In the good state Link::loss applies.
struct Burst {
  double begin = 0;  ///< probability with each datagram that a good link turns bad, 0 to 1
  double end = 1;    ///< probability with each datagram that a bad link turns good again, 0 to 1
  double loss = 1;   ///< probability that a datagram is lost while the link is bad, 0 to 1
};

/// One direction of the path between two hosts. It may be changed at any time, or at a set time
/// with SimulatedNetwork::after(); datagrams already on their way are not affected.
struct Link {
  Duration delay = std::chrono::milliseconds{10};  ///< one way
  double loss = 0;                                 ///< probability that a datagram is lost, 0 to 1
  Burst burst{};                                   ///< more loss, in bursts; none by default
  double corruption = 0;   ///< probability that one byte of a datagram is flipped, 0 to 1
  double duplication = 0;  ///< probability that a datagram arrives twice, 0 to 1
  double reordering = 0;   ///< probability that a datagram is held back, 0 to 1
  Duration reordering_delay = std::chrono::milliseconds{5};  ///< how long it is then held back
  Duration jitter{};               ///< up to this much is added to the delay, uniformly; reorders
  std::size_t mtu = 1500;          ///< bytes of IP packet; larger ones vanish
  bool reports_too_large = false;  ///< the sender of a larger one hears of it, as by ICMP
  std::uint64_t bits_per_second = 0;  ///< 0: no limit
  std::size_t queue = 100;            ///< datagrams waiting for a limited link; more are dropped
  double ce = 0;                      ///< probability that an ECN-capable datagram gets the CE mark
  std::size_t ce_queue = 0;           ///< queue length from which all datagrams get it; 0: never
  bool clears_ecn = false;            ///< bleaches: no ECN mark gets through
  bool down = false;                  ///< true: everything is lost
  std::vector<std::uint64_t> drop{};  ///< numbers of the datagrams to lose, the first sent being 1
};

/// What became of a datagram.
enum class Fate : std::uint8_t {
  delivered,    ///< handed to a socket of the receiving host
  lost,         ///< by chance, by Link::drop, intercepted, the link is down, or nobody is there
  too_large,    ///< larger than the link's MTU
  queue_full,   ///< the link's queue had no room
  unreachable,  ///< no socket there; the sender got an error like an ICMP message
};

/// One datagram as the tap sees it; the views are valid for the call.
struct Observation {
  Time time{};               ///< when it was sent, or for Fate::delivered when it arrived
  Time sent{};               ///< when it was sent
  std::uint64_t number = 0;  ///< counts the datagrams of its link, from 1
  const Datagram& datagram;  ///< never a train; between NATs, if there are any
  Fate fate{};               ///< what became of it
};

/// Hosts, links, one virtual clock and one seed. Two runs with one seed and the same program are
/// equal in what the network does; each link has its own random sequence. Members that take an IP
/// address as text throw std::invalid_argument if it is not one.
class QUOIN_EXPORT SimulatedNetwork {
 public:
  /// `seed` determines all loss, jitter and random bytes of the hosts.
  explicit SimulatedNetwork(std::uint64_t seed);
  SimulatedNetwork(const SimulatedNetwork&) = delete;
  SimulatedNetwork& operator=(const SimulatedNetwork&) = delete;
  /// Destroys the loops. What runs on them (servers, clients) must be destroyed first.
  ~SimulatedNetwork();

  /// The loop of the host with this IP address, which is made on the first call and owned by the
  /// network. Sockets of the host may be opened on its addresses or on the unspecified one. The
  /// network turns the loop; do not call its run(), which would never return.
  [[nodiscard]] Loop& host(std::string_view ip);
  /// Gives a host one more IP address, for migration.
  void add_address(std::string_view host_ip, std::string_view another_ip);
  /// Removes an address from its host, as when an interface goes down: sockets on it stay open, but
  /// nothing leaves or arrives. It may be added again.
  void remove_address(std::string_view ip);
  /// The direction `from` -> `to`, made on the first call with the default values; valid as long as
  /// the network. Any address of a host may be used, and each pair of addresses is a link of its
  /// own. An address behind a NAT is named as the host knows it, not as the NAT translates it.
  [[nodiscard]] Link& link(std::string_view from, std::string_view to);
  /// Sets both directions.
  void link_both(std::string_view a, std::string_view b, const Link& link);
  /// Loses everything between two addresses, from `start` (from now on) for `length`.
  void outage(std::string_view a, std::string_view b, Duration start, Duration length);

  /// Puts the address `ip` of a host behind a NAT with the address `public_ip`: each socket's
  /// datagrams leave from a port the NAT chooses, and whatever is sent there reaches the socket.
  /// Several addresses may be behind one `public_ip`.
  void nat(std::string_view ip, std::string_view public_ip);
  /// The NAT of `ip` forgets all ports and uses others from now on; datagrams to the old ones are
  /// lost.
  void rebind(std::string_view ip);
  /// The same, and the NAT has another address from now on.
  void rebind(std::string_view ip, std::string_view new_public_ip);

  /// Called with every datagram when its fate is known. Replaces any earlier tap. It may inject().
  void tap(std::move_only_function<void(const Observation&)> observer);
  /// An attacker on the path, asked for every datagram that is sent: false drops it. It may
  /// inject(), for example changed copies; it is not asked about injected datagrams. Replaces any
  /// earlier one.
  void intercept(std::move_only_function<bool(const Datagram&)> passes);
  /// Puts a datagram on its way at once, as if `path.local` had sent it: for attackers.
  void inject(const Datagram& datagram);

  /// Calls `job` once after `delay`, between the turns of the loops: for changes to the network at
  /// a set time. It must not run the network.
  void after(Duration delay, std::move_only_function<void()> job);
  /// Runs all hosts' loops until `done` (checked after every step) or for `limit` of virtual time;
  /// false on reaching the limit, or if nothing is left to happen.
  [[nodiscard]] bool run_until(std::move_only_function<bool()> done, Duration limit);
  /// Runs all hosts' loops for `span` of virtual time.
  void run_for(Duration span);
  /// The current virtual time.
  [[nodiscard]] Time now() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0::io
