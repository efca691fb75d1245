// SPDX-License-Identifier: MIT
/// What a client remembers about servers it has talked to, to reconnect faster. Bounded, and each
/// entry is used once. Not public: Client::save_sessions() and load_sessions() are.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/resumption.hpp>

namespace quoin::inline v0 {

/// Sessions by "host:port"; when there is no more room, the oldest are dropped.
class SessionCache {
 public:
  /// 0: keeps nothing.
  explicit SessionCache(std::size_t limit) noexcept : limit_(limit) {}

  /// Replaces any entry for this origin.
  void put(const std::string& origin, quic::Resumption session);
  /// Removes it, because a ticket used twice lets observers link the connections (RFC 8446 §C.4);
  /// empty if there is none.
  [[nodiscard]] quic::Resumption take(const std::string& origin);

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// In a form to store in a file.
  [[nodiscard]] std::string serialize() const;
  /// Adds what serialize() wrote. Errors: UsageError::invalid_argument, and nothing is added.
  [[nodiscard]] Result<> merge(Bytes data);

 private:
  using Entry = std::pair<std::string, quic::Resumption>;

  std::size_t limit_;
  std::list<Entry> entries_;  // the newest first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_origin_;
};

}  // namespace quoin::inline v0
