// SPDX-License-Identifier: MIT
/// One URL on its way: the request, where its body comes from, where the reply goes, and how it
/// ended. Which transfer runs when is decided in fetcher.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/loop.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>

#include "common/failure.hpp"
#include "quoin-client/console.hpp"
#include "quoin-client/options.hpp"
#include "quoin-client/output.hpp"
#include "quoin-client/plan.hpp"
#include "quoin-client/upload.hpp"

namespace quoin::tools {

/// How a transfer ended.
struct TransferEnd {
  std::optional<Failure> failure;  ///< none: everything was transferred
  std::optional<Reply> reply;      ///< none: there was no complete one
  std::optional<Error> error;      ///< what the library reported
  std::uint64_t bytes = 0;         ///< of the reply's body, or of the request's if that has none
};

/// One transfer. Must outlive the client's last callback.
class Transfer {
 public:
  /// Called once, in a turn of the loop; the transfer may be destroyed by it.
  using Done = std::move_only_function<void(TransferEnd)>;

  Transfer(const PlannedTransfer& plan, const ClientOptions& options, Loop& loop, Console& console);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer();

  /// Opens the files and sends the request.
  void begin(Client& client, Done done);

  [[nodiscard]] const PlannedTransfer& plan() const noexcept { return plan_; }

  /// Bytes of both bodies so far.
  [[nodiscard]] std::uint64_t moved() const noexcept;
  /// What moved() will be at the end, if that is known.
  [[nodiscard]] std::optional<std::uint64_t> expected() const noexcept;

 private:
  [[nodiscard]] Expected<> open_files();
  [[nodiscard]] RequestBody make_body();
  [[nodiscard]] Filled fill(std::span<std::byte> room);
  void take_headers(int status, const Headers& headers);
  [[nodiscard]] std::size_t take_body(Bytes chunk);
  [[nodiscard]] Expected<> write_rest();
  void give_up(Failure failure);
  void resume_soon();
  void finish(Result<Reply> result);
  void report(TransferEnd end);

  const PlannedTransfer& plan_;
  const ClientOptions& options_;
  Loop& loop_;
  Console& console_;
  Done done_;
  Call call_;
  std::optional<Output> output_;
  std::optional<Upload> upload_;
  std::optional<Failure> failure_;  ///< our own reason for giving up
  std::optional<TimerId> retry_;    ///< a pipe was not ready, or nothing was begun
  std::optional<std::uint64_t> content_length_;
  Time begun_;
  std::string collected_;  ///< what goes to standard output in one piece
  bool collects_ = false;
  std::uint64_t received_ = 0;
  bool reply_begun_ = false;
};

}  // namespace quoin::tools
