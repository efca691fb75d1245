// SPDX-License-Identifier: MIT
/// What lies between simulated hosts: links, datagrams on their way, the virtual clock and the
/// randomness. It knows sockets only as addresses, and no loops.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::io {

/// A generator whose numbers are the same everywhere, unlike those of the standard's
/// distributions (SplitMix64).
class Generator {
 public:
  /// Different for each `salt`, so that links and hosts do not affect one another.
  Generator(std::uint64_t seed, Bytes salt) noexcept;

  [[nodiscard]] std::uint64_t next() noexcept;
  /// 0 to `limit` - 1; 0 for 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) noexcept;
  /// 0 up to but not including 1.
  [[nodiscard]] double fraction() noexcept;

 private:
  std::uint64_t state_;
};

/// A datagram on its way.
struct Packet {
  Path path;  // as on the wire, between NATs; in an inbox, `remote` is the receiver's own address
  Ecn ecn = Ecn::not_ect;
  std::uint64_t number = 0;  // on its link
  Time sent;
  std::vector<std::byte> payload;
};

/// A host as the wire sees it.
struct Station {
  Generator random;
  Address name;
  std::vector<Address> addresses;     // with port 0
  std::vector<Address> sockets;       // as bound
  std::deque<Packet> inbox;           // delivered, not yet received
  std::vector<PathError> errors;      // reported, not yet asked for
  std::atomic<bool> is_woken = true;  // a turn was asked for

  explicit Station(const Address& host, std::uint64_t seed) noexcept
      : random(seed, host.ip()), name(host), addresses{host} {}

  /// Whether the IP address is one of the host's.
  [[nodiscard]] bool has(const Address& address) const noexcept;
  /// Whether a socket takes what is sent to this address.
  [[nodiscard]] bool listens(const Address& address) const noexcept;
};

/// What hides an address of a host behind another one.
struct Nat {
  Address inside;                                  // port 0
  Address outside;                                 // port 0
  std::map<std::uint16_t, std::uint16_t> ports{};  // inside to outside
};

/// All links, and what is under way on them.
class Wire {
 public:
  explicit Wire(std::uint64_t seed) noexcept : seed_(seed) {}

  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() = default;

  [[nodiscard]] Time now() const noexcept { return now_; }

  void advance(Time to) noexcept { now_ = std::max(now_, to); }

  /// When the next datagram (or error) arrives.
  [[nodiscard]] std::optional<Time> next() const noexcept;

  /// The station must not move.
  void connect(Station& station) { stations_.push_back(&station); }

  [[nodiscard]] Station* find(const Address& address) const noexcept;
  [[nodiscard]] Link& link(const Address& from, const Address& to);

  void tap(std::move_only_function<void(const Observation&)> observer) {
    tap_ = std::move(observer);
  }

  void intercept(std::move_only_function<bool(const Datagram&)> passes) {
    intercept_ = std::move(passes);
  }

  [[nodiscard]] bool has_nat(const Address& inside) const noexcept;
  void add_nat(const Address& inside, const Address& outside);
  /// False: the address has no NAT.
  [[nodiscard]] bool rebind(const Address& inside, const std::optional<Address>& outside);

  /// Takes a datagram, or each of a train, at the present time.
  void transmit(const Datagram& datagram, bool is_injected = false);
  /// Delivers what has arrived by now.
  void deliver();
  /// Takes back the memory of a packet that is not needed any more.
  void recycle(Packet packet);

 private:
  static constexpr std::uint16_t first_nat_port = 20000;

  /// A direction between two addresses.
  struct Channel {
    Link link;
    Generator random;
    bool is_bad = false;            // in a burst
    std::uint64_t sent = 0;         // datagrams
    Time free_at{};                 // when a limited link has sent all that it took
    std::deque<Time> departures{};  // of what a limited link took and has not sent yet
  };

  /// All of a datagram's random numbers, drawn at once: which are used does not change those of the
  /// next datagram.
  struct Luck {
    double turn;
    double loss;
    double corruption;
    double duplication;
    double reordering;
    double ce;
    std::uint64_t position;
    std::uint64_t flip;
    std::array<std::uint64_t, 2> jitter;
  };

  struct Event {
    Time due;
    std::uint64_t order;
    int error;  // not 0: the packet comes back to its sender with this errno
    Packet packet;
  };

  struct Later {
    bool operator()(const Event& a, const Event& b) const noexcept {
      return a.due != b.due ? a.due > b.due : a.order > b.order;
    }
  };

  [[nodiscard]] Channel& channel(const Address& from, const Address& to);
  [[nodiscard]] static Luck draw(Channel& channel) noexcept;
  void transmit_one(const Datagram& datagram, Bytes payload, bool is_injected);
  [[nodiscard]] std::optional<Fate> judge(Channel& channel, const Packet& packet, const Luck& luck,
                                          bool is_injected);
  [[nodiscard]] std::optional<Fate> admit(Channel& channel, const Packet& packet) const;
  static void treat(const Channel& channel, const Luck& luck, Packet& packet);
  void schedule(Time due, int error, Packet packet);
  void arrive(Packet packet);
  void refuse(Packet packet, int error);
  void report(Time from, int error, Packet packet);
  [[nodiscard]] Address leaving(const Address& inside);
  [[nodiscard]] std::optional<Address> entering(const Address& outside) const noexcept;
  [[nodiscard]] Address behind(const Address& outside) const noexcept;
  void observe(const Packet& packet, Time time, Fate fate);

  std::uint64_t seed_;
  Time now_{std::chrono::seconds{1}};  // 0 means "never" to some
  std::map<std::pair<Address, Address>, Channel> channels_;
  std::vector<Station*> stations_;
  std::vector<Event> events_;  // a heap by Later
  std::uint64_t scheduled_ = 0;
  std::vector<Nat> nats_;
  std::uint16_t next_nat_port_ = first_nat_port;
  std::vector<std::vector<std::byte>> spare_;  // payloads to use again
  std::move_only_function<void(const Observation&)> tap_;
  std::move_only_function<bool(const Datagram&)> intercept_;
};

}  // namespace quoin::inline v0::io
