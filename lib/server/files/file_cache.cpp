// SPDX-License-Identifier: MIT
/// The cache of small files: a list in order of use, and an index of it.
#include "server/files/file_cache.hpp"

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/time.hpp>

#include "server/files/safe_directory.hpp"

namespace quoin::inline v0 {
namespace {

// An entry's overhead besides its text: list and index nodes, allocator bookkeeping.
constexpr std::size_t entry_overhead = 512;

}  // namespace

const KeptFile* FileCache::find(std::string_view key, const SafeDirectory& root, Time now) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const Order::iterator entry = found->second;
  if (entry->looked != now) {
    if (root.identify(entry->file.path) != entry->file.identity) {
      forget(entry);
      return nullptr;
    }
    entry->looked = now;
  }
  order_.splice(order_.begin(), order_, entry);
  return &entry->file;
}

void FileCache::keep(std::string_view key, KeptFile file, Time now) {
  const std::size_t cost = entry_overhead + 2 * key.size() + file.path.size() +
                           file.headers.section_size() + file.content.view().size();
  if (cost > limit_) return;
  if (const auto found = by_key_.find(key); found != by_key_.end()) forget(found->second);
  while (used_ + cost > limit_) forget(std::prev(order_.end()));
  order_.push_front(
      {.key = std::string{key}, .file = std::move(file), .looked = now, .cost = cost});
  used_ += cost;
  by_key_.emplace(order_.front().key, order_.begin());
}

void FileCache::forget(Order::iterator entry) {
  used_ -= entry->cost;
  by_key_.erase(entry->key);
  order_.erase(entry);
}

}  // namespace quoin::inline v0
