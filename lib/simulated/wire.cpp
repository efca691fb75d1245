// SPDX-License-Identifier: MIT
/// The simulated links: what happens to a datagram, and when.

#include "simulated/wire.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::io {

namespace {

constexpr std::size_t ipv4_overhead = 28;  // IP and UDP headers
constexpr std::size_t ipv6_overhead = 48;

std::size_t packet_size(const Packet& packet) noexcept {
  return packet.payload.size() + (packet.path.remote.is_ipv4() ? ipv4_overhead : ipv6_overhead);
}

Duration time_on_link(std::size_t bytes, std::uint64_t bits_per_second) noexcept {
  constexpr std::uint64_t bit_nanoseconds = 8'000'000'000;
  return Duration{static_cast<Duration::rep>(bytes * bit_nanoseconds / bits_per_second)};
}

}  // namespace

Generator::Generator(std::uint64_t seed, Bytes salt) noexcept : state_(seed) {
  for (const std::byte byte : salt) {
    state_ = next() ^ std::to_integer<std::uint64_t>(byte);
  }
}

std::uint64_t Generator::next() noexcept {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111eb;
  return z ^ (z >> 31U);
}

std::uint64_t Generator::below(std::uint64_t limit) noexcept {
  return limit == 0 ? 0 : next() % limit;
}

double Generator::fraction() noexcept { return static_cast<double>(next() >> 11U) * 0x1p-53; }

bool Station::has(const Address& address) const noexcept {
  return std::ranges::find(addresses, address.with_port(0)) != addresses.end();
}

bool Station::listens(const Address& address) const noexcept {
  return std::ranges::any_of(sockets, [&](const Address& socket) {
    const bool takes_family = socket.is_ipv6() || address.is_ipv4();
    return socket == address ||
           (socket.is_any() && takes_family && socket.port() == address.port());
  });
}

std::optional<Time> Wire::next() const noexcept {
  return events_.empty() ? std::nullopt : std::optional{events_.front().due};
}

Station* Wire::find(const Address& address) const noexcept {
  const auto found = std::ranges::find_if(
      stations_, [&](const Station* station) { return station->has(address); });
  return found == stations_.end() ? nullptr : *found;
}

Link& Wire::link(const Address& from, const Address& to) { return channel(from, to).link; }

Wire::Channel& Wire::channel(const Address& from, const Address& to) {
  const std::pair key{from.with_port(0), to.with_port(0)};
  const auto found = channels_.find(key);
  if (found != channels_.end()) return found->second;
  std::vector<std::byte> salt{from.ip().begin(), from.ip().end()};
  salt.insert(salt.end(), to.ip().begin(), to.ip().end());
  return channels_.try_emplace(key, Link{}, Generator{seed_, salt}).first->second;
}

Wire::Luck Wire::draw(Channel& channel) noexcept {
  Generator& random = channel.random;
  const auto jitter =
      static_cast<std::uint64_t>(std::max(channel.link.jitter, Duration::zero()).count()) + 1;
  return {.turn = random.fraction(),
          .loss = random.fraction(),
          .corruption = random.fraction(),
          .duplication = random.fraction(),
          .reordering = random.fraction(),
          .ce = random.fraction(),
          .position = random.next(),
          .flip = 1 + random.below(255),
          .jitter = {random.below(jitter), random.below(jitter)}};
}

void Wire::transmit(const Datagram& datagram, bool is_injected) {
  Bytes rest = datagram.payload;
  const std::size_t segment = datagram.segment_size == 0 ? rest.size() : datagram.segment_size;
  do {
    const Bytes payload = rest.first(std::min(segment, rest.size()));
    rest = rest.subspan(payload.size());
    transmit_one(datagram, payload, is_injected);
  } while (!rest.empty());
}

void Wire::transmit_one(const Datagram& datagram, Bytes payload, bool is_injected) {
  const Path& path = datagram.path;
  Channel& channel = this->channel(path.local, behind(path.remote));
  Packet packet{.path = {.local = leaving(path.local), .remote = path.remote},
                .ecn = datagram.ecn,
                .number = ++channel.sent,
                .sent = now_,
                .payload = {}};
  if (!spare_.empty()) {
    packet.payload = std::move(spare_.back());
    spare_.pop_back();
  }
  packet.payload.assign(payload.begin(), payload.end());

  const Luck luck = draw(channel);
  const Link& link = channel.link;
  channel.is_bad = luck.turn < (channel.is_bad ? 1 - link.burst.end : link.burst.begin);
  if (const std::optional<Fate> fate = judge(channel, packet, luck, is_injected)) {
    observe(packet, now_, *fate);
    if (*fate == Fate::too_large && link.reports_too_large) {
      report(now_ + link.delay, EMSGSIZE, std::move(packet));
    } else {
      recycle(std::move(packet));
    }
    return;
  }
  treat(channel, luck, packet);
  const Time departure = link.bits_per_second == 0 ? now_ : channel.free_at;
  const bool is_held_back = luck.reordering < link.reordering;
  const Time arrival = departure + link.delay + (is_held_back ? link.reordering_delay : Duration{});
  if (luck.duplication < link.duplication) {
    schedule(arrival + Duration{luck.jitter[1]}, 0, packet);
  }
  schedule(arrival + Duration{luck.jitter[0]}, 0, std::move(packet));
}

/// Why the packet does not get through; none if it does.
std::optional<Fate> Wire::judge(Channel& channel, const Packet& packet, const Luck& luck,
                                bool is_injected) {
  if (!is_injected && intercept_ &&
      !intercept_({.path = packet.path, .payload = packet.payload, .ecn = packet.ecn})) {
    return Fate::lost;
  }
  const std::optional<Fate> fate = admit(channel, packet);
  const Link& link = channel.link;
  if (!fate && (luck.loss < (channel.is_bad ? link.burst.loss : link.loss) ||
                std::ranges::find(link.drop, packet.number) != link.drop.end())) {
    return Fate::lost;
  }
  return fate;
}

/// Lets the link take the packet: none, or why it does not.
std::optional<Fate> Wire::admit(Channel& channel, const Packet& packet) const {
  const Link& link = channel.link;
  if (link.down) return Fate::lost;
  if (packet_size(packet) > link.mtu) return Fate::too_large;
  if (link.bits_per_second == 0) return std::nullopt;
  std::deque<Time>& departures = channel.departures;
  while (!departures.empty() && departures.front() <= now_) {
    departures.pop_front();
  }
  if (departures.size() > link.queue) {  // one is being sent, the others wait
    return Fate::queue_full;
  }
  channel.free_at =
      std::max(channel.free_at, now_) + time_on_link(packet_size(packet), link.bits_per_second);
  departures.push_back(channel.free_at);
  return std::nullopt;
}

/// Applies the link's effects to a packet that gets through.
void Wire::treat(const Channel& channel, const Luck& luck, Packet& packet) {
  const Link& link = channel.link;
  if (luck.corruption < link.corruption && !packet.payload.empty()) {
    packet.payload[luck.position % packet.payload.size()] ^= static_cast<std::byte>(luck.flip);
  }
  const bool is_congested = link.ce_queue != 0 && channel.departures.size() > link.ce_queue;
  if (link.clears_ecn) {
    packet.ecn = Ecn::not_ect;
  } else if (packet.ecn != Ecn::not_ect && (is_congested || luck.ce < link.ce)) {
    packet.ecn = Ecn::ce;
  }
}

void Wire::schedule(Time due, int error, Packet packet) {
  events_.push_back(
      {.due = due, .order = ++scheduled_, .error = error, .packet = std::move(packet)});
  std::ranges::push_heap(events_, Later{});
}

void Wire::deliver() {
  while (!events_.empty() && events_.front().due <= now_) {
    std::ranges::pop_heap(events_, Later{});
    Event event = std::move(events_.back());
    events_.pop_back();
    if (event.error != 0) {
      refuse(std::move(event.packet), event.error);
    } else {
      arrive(std::move(event.packet));
    }
  }
}

void Wire::arrive(Packet packet) {
  const std::optional<Address> to = entering(packet.path.remote);
  Station* const station = to ? find(*to) : nullptr;
  if (station && station->listens(*to)) {
    observe(packet, now_, Fate::delivered);
    packet.path.remote = *to;
    station->inbox.push_back(std::move(packet));
    return;
  }
  observe(packet, packet.sent, station ? Fate::unreachable : Fate::lost);
  if (station) {
    report(now_, ECONNREFUSED, std::move(packet));
  } else {
    recycle(std::move(packet));
  }
}

/// Sends a packet back to its sender, at `from`, with an error.
void Wire::report(Time from, int error, Packet packet) {
  const Link& way_back = link(behind(packet.path.remote), behind(packet.path.local));
  if (way_back.down) {
    recycle(std::move(packet));
  } else {
    schedule(from + way_back.delay, error, std::move(packet));
  }
}

void Wire::refuse(Packet packet, int error) {
  const std::optional<Address> to = entering(packet.path.local);
  Station* const sender = to ? find(*to) : nullptr;
  if (sender && sender->listens(*to)) {
    const std::string remote = packet.path.remote.to_string();
    sender->errors.push_back(
        {.path = {.local = *to, .remote = packet.path.remote},
         .error = {Error::Domain::system, static_cast<std::uint64_t>(error),
                   error == EMSGSIZE
                       ? std::to_string(packet_size(packet)) +
                             " bytes of IP packet are too many for the way to " + remote
                       : "no socket on " + remote}});
  }
  recycle(std::move(packet));
}

void Wire::recycle(Packet packet) { spare_.push_back(std::move(packet.payload)); }

void Wire::observe(const Packet& packet, Time time, Fate fate) {
  if (tap_) {
    tap_({.time = time,
          .sent = packet.sent,
          .number = packet.number,
          .datagram = {.path = packet.path, .payload = packet.payload, .ecn = packet.ecn},
          .fate = fate});
  }
}

}  // namespace quoin::inline v0::io
