// SPDX-License-Identifier: MIT
/// What runs on a random network: the interface of the two workloads, and the settings they share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <quoin/quic/config.hpp>
#include <quoin/time.hpp>

#include "random/dice.hpp"
#include "random/network.hpp"
#include "random/verdict.hpp"
#include "support/certs.hpp"

namespace quoin::test {

/// A server and its clients with work to do.
class Workload {
 public:
  Workload(RandomNetwork& where, Dice with, Verdict& judge, const Tokens& counter)
      : net(where), dice(with), verdict(judge), tokens(counter) {}

  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  virtual ~Workload() = default;

  /// Everything that was begun has come to its end, and was judged.
  [[nodiscard]] virtual bool is_done() const = 0;
  /// Closes what is there, in one way or another.
  virtual void end() = 0;
  /// Nothing is left of it.
  [[nodiscard]] virtual bool is_over() const = 0;
  /// What is still going on, for a person.
  [[nodiscard]] virtual std::string state() const = 0;

 protected:
  /// Calls `job` later, unless this is gone by then.
  void later(Duration delay, std::move_only_function<void()> job) {
    net.network.after(delay, [alive = std::weak_ptr{alive_}, job = std::move(job)]() mutable {
      if (!alive.expired()) job();
    });
  }

  RandomNetwork& net;
  Dice dice;
  Verdict& verdict;
  const Tokens& tokens;

 private:
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

/// Settings of one side.
[[nodiscard]] quic::Config random_config(Dice& dice, const RandomNetwork& net);

/// HTTP/3 requests of all kinds; see http_workload.cpp.
[[nodiscard]] std::unique_ptr<Workload> http_workload(RandomNetwork& net, Dice dice,
                                                      Verdict& verdict, const Tokens& tokens,
                                                      const Identity& identity);
/// Plain streams and datagrams; see plain_workload.cpp.
[[nodiscard]] std::unique_ptr<Workload> plain_workload(RandomNetwork& net, Dice dice,
                                                       Verdict& verdict, const Tokens& tokens,
                                                       const Identity& identity);

}  // namespace quoin::test
