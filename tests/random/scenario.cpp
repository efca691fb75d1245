// SPDX-License-Identifier: MIT
/// The course of a random scenario: begin, work, end, and nothing left.

#include "random/scenario.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <malloc.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <quoin/io/pcap.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/simulated.hpp>
#include <quoin/time.hpp>

#include "random/dice.hpp"
#include "random/network.hpp"
#include "random/verdict.hpp"
#include "random/workload.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

constexpr Duration time_to_work = 5min;
constexpr Duration time_to_end = 3min;
constexpr std::size_t memory_budget = 32 * 1024 * 1024;
constexpr std::size_t leak_budget = 64 * 1024;  // caches of the process grow a little

/// Of all allocations in the process, C libraries included; 0 under sanitizers, which replace it.
std::size_t heap_in_use() { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; }

/// Watches a run: its memory, and a digest of its datagrams.
class Witness {
 public:
  Witness(const std::filesystem::path& capture, Outcome& outcome)
      : outcome_(outcome), base_(heap_in_use()) {
    if (!capture.empty()) capture_.emplace(io::PcapWriter::create(capture).value());
  }

  void see(const io::Observation& seen) {
    ++outcome_.datagrams;
    for (const std::uint64_t value :
         {static_cast<std::uint64_t>(seen.time.time_since_epoch().count()), seen.number,
          std::uint64_t{seen.datagram.payload.size()}, static_cast<std::uint64_t>(seen.fate)}) {
      outcome_.trace = (outcome_.trace ^ value) * 0x9e3779b97f4a7c15;
      outcome_.trace ^= outcome_.trace >> 29U;
    }
    if (capture_) capture_->write(seen.time, seen.datagram);
    if (outcome_.datagrams % 64 == 0) {
      outcome_.most_memory = std::max(outcome_.most_memory, grown());
    }
  }

  [[nodiscard]] std::size_t grown() const {
    const std::size_t now = heap_in_use();
    return now > base_ ? now - base_ : 0;
  }

 private:
  Outcome& outcome_;
  std::size_t base_;
  std::optional<io::PcapWriter> capture_;
};

void run(std::uint64_t seed, const Identity& identity, const Record& record, Witness& witness,
         Outcome& outcome) {
  Dice dice{seed};
  Verdict verdict;
  const Tokens tokens;
  {
    RandomNetwork net{seed, dice.fork()};
    net.qlog = record.qlog;
    net.tap = [&witness](const io::Observation& seen) { witness.see(seen); };
    const auto make = dice.chance(60) ? http_workload : plain_workload;
    const std::unique_ptr<Workload> workload = make(net, dice.fork(), verdict, tokens, identity);
    const Time start = net.network.now();
    if (!net.network.run_until([&] { return workload->is_done(); }, time_to_work)) {
      verdict.expect(false, "stuck at work: " + workload->state());
    }
    net.calm();
    workload->end();
    if (!net.network.run_until([&] { return workload->is_over(); }, time_to_end)) {
      verdict.expect(false, "stuck at the end: " + workload->state());
    }
    outcome.virtual_time = net.network.now() - start;
  }
  verdict.expect(tokens.alive() == 0, std::to_string(tokens.alive()) + " closures are left");
  outcome.problems = verdict.problems();
}

}  // namespace

quic::Config random_config(Dice& dice, const RandomNetwork& net) {
  quic::Config config;
  config.qlog_directory = net.qlog;
  if (dice.chance(30)) config.versions = {quic::Version::v2, quic::Version::v1};
  config.max_idle_timeout = dice.between(20s, 60s);
  config.handshake_timeout = 1min;
  if (dice.chance(40)) {
    config.stream_window = dice.between(2'000, 500'000);
    config.connection_window = dice.between(4'000, 2'000'000);
  }
  config.max_bidirectional_streams = dice.chance(50) ? 100 : dice.between(1, 10);
  config.max_unidirectional_streams = dice.chance(50) ? 100 : dice.between(3, 10);
  config.congestion_control =
      dice.pick({quic::CongestionControl::cubic, quic::CongestionControl::reno,
                 quic::CongestionControl::bbr});
  if (dice.chance(30)) config.key_update_after = dice.between(20'000, 300'000);
  config.probe_path_mtu = dice.chance(80);
  config.retry =
      dice.pick({quic::RetryPolicy::never, quic::RetryPolicy::on_load, quic::RetryPolicy::always});
  return config;
}

Identity scenario_identity() {
  return self_signed({.alternative_names = "IP:10.0.0.1,IP:2001:db8::1", .is_rsa = true});
}

Outcome run_scenario(std::uint64_t seed, const Identity& identity, const Record& record) {
  Outcome outcome;
  Witness witness{record.capture, outcome};
  run(seed, identity, record, witness, outcome);
  outcome.leaked = witness.grown();
  if (outcome.most_memory > memory_budget) {
    outcome.problems.push_back("the heap grew by " + std::to_string(outcome.most_memory) +
                               " bytes");
  }
  if (outcome.leaked > leak_budget) {
    outcome.problems.push_back(std::to_string(outcome.leaked) + " bytes are left");
  }
  return outcome;
}

}  // namespace quoin::test
