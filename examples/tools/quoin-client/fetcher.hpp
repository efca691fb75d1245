// SPDX-License-Identifier: MIT
/// Runs all transfers: in which order, how many at a time, on which connections, and what is said
/// about each. What one transfer does is in transfer.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <quoin/alt_svc.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "common/failure.hpp"
#include "quoin-client/console.hpp"
#include "quoin-client/options.hpp"
#include "quoin-client/plan.hpp"
#include "quoin-client/transfer.hpp"

namespace quoin::tools {

/// All transfers of one command. Everything happens on the loop's thread.
class Fetcher {
 public:
  /// What is given must outlive this object.
  Fetcher(Loop& loop, const Tls& tls, const ClientOptions& options,
          const std::vector<PlannedTransfer>& plan, const std::vector<PinnedAddress>& pinned);
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;
  ~Fetcher();

  /// Resumes what Client::save_sessions() wrote. Before begin(). Errors: as load_sessions().
  [[nodiscard]] Result<> load_sessions(Bytes saved);
  /// What --session keeps for the next time.
  [[nodiscard]] std::string save_sessions() const;
  /// Adds what --alt-svc knows. Before begin().
  void add_alternatives(const std::vector<AltSvcEntry>& entries);
  /// What --alt-svc keeps for the next time.
  [[nodiscard]] std::vector<AltSvcEntry> alternatives() const;
  /// Begins. The loop is stopped when all is done.
  void begin();
  /// Ends everything now and stops the loop; unfinished files are removed.
  void abort();

  /// 0, or the exit code of the first transfer in the list that failed.
  [[nodiscard]] int exit_code() const noexcept;

 private:
  /// A host and port to which no connection could be made.
  struct Unreachable {
    int exit_code = 0;
    std::size_t left_out = 0;  ///< URLs that were not even tried
  };

  [[nodiscard]] std::unique_ptr<Client> make_client();
  void observe(Client& client);
  void schedule_migration();
  void migrate();
  void start_more();
  void start(std::size_t index);
  [[nodiscard]] bool may_start(std::size_t index) const;
  void finish(std::size_t index, TransferEnd end);
  void show_timing(const Transfer& transfer, const TransferEnd& end);
  void wait_for_session();
  void stop();
  void draw_progress();

  Loop& loop_;
  const Tls& tls_;
  const ClientOptions& options_;
  const std::vector<PlannedTransfer>& plan_;
  const std::vector<PinnedAddress>& pinned_;
  Console console_;
  std::unique_ptr<Client> client_;
  bool used_ = false;                                              ///< the client has a connection
  std::unordered_map<std::uint64_t, ConnectionInfo> connections_;  ///< by number, as they began
  std::map<std::size_t, std::unique_ptr<Transfer>> running_;
  std::map<std::string, Unreachable> unreachable_;  ///< by origin
  std::map<std::size_t, int> failures_;             ///< exit codes
  std::optional<TimerId> progress_timer_;
  std::optional<TimerId> migration_timer_;
  bool migration_scheduled_ = false;
  bool migration_failed_ = false;
  Time begun_;
  std::optional<Time> patience_;  ///< until when a session ticket is waited for
  std::size_t next_ = 0;
  std::size_t finished_ = 0;
  std::uint64_t moved_before_ = 0;  ///< by the transfers that are over
};

}  // namespace quoin::tools
