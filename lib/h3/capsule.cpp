// SPDX-License-Identifier: MIT
/// Capsules, bytes to values and back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/capsule.hpp>

#include "h3/varint.hpp"

namespace quoin::inline v0::h3 {

std::string encode_capsule(std::uint64_t type, Bytes value) {
  std::string text;
  put_varint(text, type);
  put_varint(text, value.size());
  text += as_text(value);
  return text;
}

CapsuleReader::CapsuleReader(std::vector<std::uint64_t> types, std::size_t max_value)
    : types_(std::move(types)), max_value_(max_value) {}

Result<std::size_t> CapsuleReader::read(Bytes data) {
  std::size_t taken = 0;
  while (!refused_ && (left_ > 0 || !now_) && taken < data.size()) {
    const Bytes rest = data.subspan(taken);
    if (left_ > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
      if (now_) now_->value += as_text(rest.first(size));
      left_ -= size;
      taken += size;
      continue;
    }
    head_ += static_cast<char>(rest[0]);
    ++taken;
    Bytes head = as_bytes(head_);
    const auto type = take_varint(head);
    const auto size = type ? take_varint(head) : std::nullopt;
    if (!size) continue;
    head_.clear();
    left_ = *size;
    if (std::ranges::find(types_, *type) == types_.end()) continue;
    refused_ = *size > max_value_;
    now_ = Capsule{.type = *type, .value = {}};
  }
  if (!refused_) return taken;
  return std::unexpected(Error{HttpError::excessive_load,
                               "a capsule of more than " + std::to_string(max_value_) + " bytes"});
}

std::optional<Capsule> CapsuleReader::poll() {
  if (!now_ || left_ > 0 || refused_) return std::nullopt;
  return std::exchange(now_, std::nullopt);
}

Result<> CapsuleReader::finish() const {
  if (left_ == 0 && head_.empty()) return {};
  return std::unexpected(Error{HttpError::message_error, "the body ends within a capsule"});
}

}  // namespace quoin::inline v0::h3
