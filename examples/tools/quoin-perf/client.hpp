// SPDX-License-Identifier: MIT
/// The measuring side: keeps transfers under way on connections, and adds up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <quoin/connection.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "quoin-perf/options.hpp"

namespace quoin::tools {

/// What came of a measurement.
struct PerfResult {
  std::uint64_t transfers = 0;       ///< complete
  std::uint64_t bytes_sent = 0;      ///< by complete transfers, without the requests
  std::uint64_t bytes_received = 0;  ///< by complete transfers
  Duration elapsed{};                ///< from the first transfer's begin to the last one's end
  std::vector<Duration> latencies;   ///< of each transfer
  std::string failure;               ///< empty: none
};

/// One measurement.
class PerfClient {
 public:
  PerfClient(Loop& loop, Tls tls, const PerfOptions& options);

  /// Runs the loop until the measurement is over.
  [[nodiscard]] PerfResult run();

 private:
  struct Transfer {
    std::uint64_t received = 0;
    Time begun;
  };

  void connect();
  void handle_connected(const Connection& connection);
  void begin(const Connection& connection);
  void finish(const Connection& connection, const Transfer& transfer);
  void fail(std::string reason);
  void end();

  Loop& loop_;
  const PerfOptions& options_;
  Dialer dialer_;
  PerfResult result_;
  std::vector<Connection> connections_;  // until all are there
  std::uint64_t started_ = 0;            // transfers
  std::uint64_t running_ = 0;            // transfers
  Time begun_;
  bool ending_ = false;
};

/// For people, or with `json` for programs; with the end of line.
[[nodiscard]] std::string perf_report(const PerfResult& result, const PerfOptions& options);

}  // namespace quoin::tools
