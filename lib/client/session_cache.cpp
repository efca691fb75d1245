// SPDX-License-Identifier: MIT
/// The sessions a client remembers, in memory and as bytes.
#include "client/session_cache.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/resumption.hpp>

namespace quoin::inline v0 {
namespace {

constexpr std::string_view magic = "quoin sessions 1\n";
constexpr std::size_t length_size = 4;

void append_field(std::string& out, std::string_view field) {
  const auto size = static_cast<std::uint32_t>(field.size());
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out += static_cast<char>((size >> shift) & 0xffU);
  }
  out += field;
}

bool take_field(std::string_view& in, std::string_view& field) {
  if (in.size() < length_size) return false;
  std::size_t size = 0;
  for (const char c : in.substr(0, length_size)) size = size << 8U | static_cast<unsigned char>(c);
  in.remove_prefix(length_size);
  if (size > in.size()) return false;
  field = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

}  // namespace

void SessionCache::put(const std::string& origin, quic::Resumption session) {
  if (limit_ == 0 || session.empty()) return;
  if (const auto old = by_origin_.find(origin); old != by_origin_.end()) {
    entries_.erase(old->second);
  }
  entries_.emplace_front(origin, std::move(session));
  by_origin_.insert_or_assign(origin, entries_.begin());
  while (entries_.size() > limit_) {
    by_origin_.erase(entries_.back().first);
    entries_.pop_back();
  }
}

quic::Resumption SessionCache::take(const std::string& origin) {
  const auto found = by_origin_.find(origin);
  if (found == by_origin_.end()) return {};
  quic::Resumption session = std::move(found->second->second);
  entries_.erase(found->second);
  by_origin_.erase(found);
  return session;
}

std::string SessionCache::serialize() const {
  std::string out{magic};
  for (const auto& [origin, session] : std::views::reverse(entries_)) {
    append_field(out, origin);
    append_field(out, session.serialize());
  }
  return out;
}

Result<> SessionCache::merge(Bytes data) {
  std::string_view in = as_text(data);
  bool good = in.starts_with(magic);
  if (good) in.remove_prefix(magic.size());
  std::vector<Entry> read;
  while (good && !in.empty()) {
    std::string_view origin;
    std::string_view session;
    good = take_field(in, origin) && take_field(in, session);
    if (!good) break;
    Result<quic::Resumption> parsed = quic::Resumption::parse(as_bytes(session));
    good = parsed.has_value();
    if (good) read.emplace_back(origin, std::move(*parsed));
  }
  if (!good) {
    return std::unexpected(
        Error{UsageError::invalid_argument, "these are not sessions that quoin has written"});
  }
  for (Entry& entry : read) put(entry.first, std::move(entry.second));
  return {};
}

}  // namespace quoin::inline v0
