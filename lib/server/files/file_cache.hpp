// SPDX-License-Identifier: MIT
/// Small files in memory, each with its response headers, for as long as the file system says that
/// they are unchanged. Knows nothing of requests. Not public.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include <quoin/bytes.hpp>
#include <quoin/headers.hpp>
#include <quoin/time.hpp>

#include "server/files/safe_directory.hpp"

namespace quoin::inline v0 {

/// A file that was read in full.
struct KeptFile {
  std::string path;       ///< below the root
  FileIdentity identity;  ///< when it was read
  Headers headers;        ///< of a full response, except `content-length`
  SharedBytes content;
};

/// The most recently requested files, up to a number of bytes.
class FileCache {
 public:
  /// Larger files are not worth the space: reading them costs less than sending them.
  static constexpr std::size_t max_file = std::size_t{64} * 1024;

  /// Keeps files with their names and headers up to `limit` bytes; 0: none.
  explicit FileCache(std::size_t limit) noexcept : limit_(limit) {}

  /// The file kept under `key`, if `root` still has the very same one; valid until the next call.
  /// Checks the file system once per turn, identified by `now`: everything requested in a turn was
  /// requested before that check.
  [[nodiscard]] const KeptFile* find(std::string_view key, const SafeDirectory& root, Time now);
  /// Keeps a file, evicting the least recently requested ones to make room.
  void keep(std::string_view key, KeptFile file, Time now);

  /// Whether anything may be kept.
  [[nodiscard]] bool is_enabled() const noexcept { return limit_ != 0; }

 private:
  struct Entry {
    std::string key;
    KeptFile file;
    Time looked;  ///< when the file system was last checked
    std::size_t cost = 0;
  };

  using Order = std::list<Entry>;

  void forget(Order::iterator entry);

  std::size_t limit_;
  std::size_t used_ = 0;
  Order order_;  ///< most recent first
  std::unordered_map<std::string_view, Order::iterator> by_key_;
};

}  // namespace quoin::inline v0
