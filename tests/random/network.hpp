// SPDX-License-Identifier: MIT
/// A random network for a server and a client with two addresses.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <quoin/datagram.hpp>
#include <quoin/io/simulated.hpp>
#include <quoin/time.hpp>

#include "random/dice.hpp"

namespace quoin::test {

/// Hosts and links of a scenario. Whatever goes wrong on it, QUIC must cope with.
class RandomNetwork {
 public:
  RandomNetwork(std::uint64_t seed, Dice dice);

  /// From now on NATs rebind, links change and attackers attack: for after a handshake, because
  /// a client must not change its address before (RFC 9000 §9).
  void let_loose();

  /// No more of that; the links stay as they are.
  void calm() noexcept { is_calm_ = true; }

  /// In brackets if it is an IPv6 address.
  [[nodiscard]] std::string authority(int port) const;

  /// Whether the client may be moved to another address now; then it counts as moved. Not twice in
  /// a short time: ngtcp2 1.24 counts connection IDs wrongly when a path changes while it is being
  /// validated, and ends the connection with CONNECTION_ID_LIMIT_ERROR.
  [[nodiscard]] bool may_move();

  /// What is sent through a NAT must go on, or nothing finds its way back.
  [[nodiscard]] Duration keep_alive() const noexcept;

  io::SimulatedNetwork network;
  std::string server;
  std::string client;
  std::string other_client;  ///< another address of the client's host
  std::function<void(const io::Observation&)> tap;
  std::filesystem::path qlog;  ///< a folder for logs, if not empty

 private:
  [[nodiscard]] io::Link random_link();
  void change();
  void attack(const io::Observation& seen);

  Dice dice_;
  bool has_nat_ = false;
  bool has_attacker_ = false;
  bool is_loose_ = false;
  bool is_calm_ = false;
  unsigned changes_ = 0;
  unsigned address_ = 1;
  Time moved_{};
};

}  // namespace quoin::test
