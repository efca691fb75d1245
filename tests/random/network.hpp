// SPDX-License-Identifier: MIT
/// A random network for a server and a client with two addresses.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <quoin/datagram.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "random/dice.hpp"

namespace quoin::test {

/// Hosts and links of a scenario. Whatever goes wrong on it, QUIC must cope with.
class RandomNetwork {
 public:
  RandomNetwork(std::uint64_t seed, Dice dice);

  /// From now on links change, attackers attack, and a while later NATs rebind: for after a
  /// handshake.
  void let_loose();

  /// No more of that; the links stay as they are.
  void calm() noexcept { is_calm_ = true; }

  /// In brackets if it is an IPv6 address.
  [[nodiscard]] std::string authority(int port) const;

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
  void make_one_slow();
  void change();
  void attack(const io::Observation& seen);

  Dice dice_;
  bool has_nat_ = false;
  bool has_attacker_ = false;
  bool is_loose_ = false;
  bool is_calm_ = false;
  Time loose_{};
  Duration handshake_time_ = std::chrono::milliseconds{1500};  // with some losses
  unsigned changes_ = 0;
  unsigned address_ = 1;
};

}  // namespace quoin::test
