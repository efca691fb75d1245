// SPDX-License-Identifier: MIT
/// Small files in memory, each with the headers of its response, for as long as the file system
/// says that they are still the same. Knows nothing of requests. Not public.
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

/// A file that was read whole.
struct KeptFile {
  std::string path;       ///< below the root
  FileIdentity identity;  ///< what it was when it was read
  Headers headers;        ///< of a response with all of it, but for `content-length`
  SharedBytes content;
};

/// The files that were asked for last, up to a number of bytes.
class FileCache {
 public:
  /// Larger files are not worth their room: reading them costs less than sending them.
  static constexpr std::size_t max_file = std::size_t{64} * 1024;

  /// Keeps files with their names and headers up to `limit` bytes; 0: none.
  explicit FileCache(std::size_t limit) noexcept : limit_(limit) {}

  /// The file that was kept under `key`, if `root` has the very same one still; valid until the
  /// next call. Looks at the file system once in a turn, which `now` tells: whatever is asked for
  /// in a turn was asked for before that look.
  [[nodiscard]] const KeptFile* find(std::string_view key, const SafeDirectory& root, Time now);
  /// Keeps a file, and forgets others that were not asked for in longest time to make room.
  void keep(std::string_view key, KeptFile file, Time now);

  /// Something may be kept.
  [[nodiscard]] bool is_enabled() const noexcept { return limit_ != 0; }

 private:
  struct Entry {
    std::string key;
    KeptFile file;
    Time looked;  ///< at the file system
    std::size_t cost = 0;
  };

  using Order = std::list<Entry>;

  void forget(Order::iterator entry);

  std::size_t limit_;
  std::size_t used_ = 0;
  Order order_;  ///< the latest first
  std::unordered_map<std::string_view, Order::iterator> by_key_;
};

}  // namespace quoin::inline v0
