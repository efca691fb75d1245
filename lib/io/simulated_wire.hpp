// SPDX-License-Identifier: MIT
/// What lies between simulated hosts: links, datagrams on their way, the virtual clock and the
/// randomness. It knows sockets as addresses only, and no loops.
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
#include <quoin/io/simulated.hpp>
#include <quoin/time.hpp>

namespace quoin::io {

/// A generator whose numbers are the same everywhere, unlike those of the standard's
/// distributions (SplitMix64).
class Generator {
 public:
  /// Different for each `salt`, so that links and hosts do not disturb one another.
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
  Path path;  // as the sender sees it
  Ecn ecn = Ecn::not_ect;
  std::uint64_t number = 0;  // on its link
  Time sent;
  std::vector<std::byte> payload;
};

/// What a host is to the wire.
struct Station {
  Generator random;
  std::vector<Address> addresses;     // with port 0; the first one names the host
  std::vector<Address> sockets;       // as bound
  std::deque<Packet> inbox;           // delivered, not yet received
  std::vector<PathError> errors;      // reported, not yet asked for
  std::atomic<bool> is_woken = true;  // a turn was asked for

  explicit Station(const Address& name, std::uint64_t seed) noexcept
      : random(seed, name.ip()), addresses{name} {}

  /// Whether the IP address is one of the host's.
  [[nodiscard]] bool has(const Address& address) const noexcept;
  /// Whether a socket takes what is sent to this address.
  [[nodiscard]] bool listens(const Address& address) const noexcept;
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

  /// The station must stay where it is.
  void connect(Station& station) { stations_.push_back(&station); }

  [[nodiscard]] Station* find(const Address& address) const noexcept;
  [[nodiscard]] Link& link(const Address& from, const Address& to);

  void tap(std::function<void(const Observation&)> observer) { tap_ = std::move(observer); }

  /// Takes a datagram, or each of a train, at the present time.
  void transmit(const Datagram& datagram);
  /// Hands over what has arrived by now.
  void deliver();
  /// Takes back the memory of a packet that is not needed any more.
  void recycle(Packet packet);

 private:
  /// A direction between two addresses.
  struct Channel {
    Link link;
    Generator random;
    std::uint64_t sent = 0;         // datagrams
    Time free_at{};                 // when a limited link has sent all that it took
    std::deque<Time> departures{};  // of what a limited link took and has not sent yet
  };

  /// All of a datagram's luck, drawn at once: which of it is used does not change what the
  /// next datagram draws.
  struct Luck {
    double loss;
    double corruption;
    double duplication;
    std::uint64_t position;
    std::uint64_t flip;
    std::array<std::uint64_t, 2> jitter;
  };

  struct Event {
    Time due;
    std::uint64_t order;
    bool is_error;  // the packet comes back as an error to its sender
    Packet packet;
  };

  struct Later {
    bool operator()(const Event& a, const Event& b) const noexcept {
      return a.due != b.due ? a.due > b.due : a.order > b.order;
    }
  };

  [[nodiscard]] Channel& channel(const Address& from, const Address& to);
  [[nodiscard]] static Luck draw(Channel& channel) noexcept;
  void transmit_one(const Path& path, Ecn ecn, Bytes payload);
  [[nodiscard]] std::optional<Fate> admit(Channel& channel, const Packet& packet);
  void schedule(Time due, bool is_error, Packet packet);
  void arrive(Packet packet);
  void refuse(Packet packet);
  void observe(const Packet& packet, Time time, Fate fate) const;

  std::uint64_t seed_;
  Time now_{std::chrono::seconds{1}};  // 0 means "never" to some
  std::map<std::pair<Address, Address>, Channel> channels_;
  std::vector<Station*> stations_;
  std::vector<Event> events_;  // a heap by Later
  std::uint64_t scheduled_ = 0;
  std::vector<std::vector<std::byte>> spare_;  // payloads to use again
  std::function<void(const Observation&)> tap_;
};

}  // namespace quoin::io
