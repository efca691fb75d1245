// SPDX-License-Identifier: MIT
/// Views of bytes, and bytes that own themselves. Not a container to build data in: use
/// std::string or std::vector for that and hand the result over.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/file_path.hpp>

namespace quoin::inline v0 {

/// A view of bytes owned elsewhere. As a parameter it is valid only for the call.
using Bytes = std::span<const std::byte>;

/// The bytes of `text`; valid as long as `text` is.
[[nodiscard]] inline Bytes as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span{text});
}

/// `data` seen as text, without any check of its encoding; valid as long as `data` is.
[[nodiscard]] inline std::string_view as_text(Bytes data) noexcept {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// Immutable bytes together with their owner: the library sends them without a copy and keeps them
/// alive until the peer has acknowledged them, so they cannot dangle. Copies share the bytes.
class QUOIN_EXPORT SharedBytes {
 public:
  /// No bytes.
  SharedBytes() = default;
  /// Takes over the bytes of `text`.
  SharedBytes(std::string text);
  /// Takes over `data`.
  SharedBytes(std::vector<std::byte> data);
  /// Shares bytes that `owner` keeps alive and unchanged for as long as it lives.
  SharedBytes(std::shared_ptr<const void> owner, Bytes view);

  /// Maps a regular file read-only. The file must not be truncated while the bytes are in use
  /// (the operating system ends the process that reads beyond the end of a mapped file); serve
  /// files that others may change through a Writer instead.
  /// Errors: system, with the name of the file.
  [[nodiscard]] static Result<SharedBytes> map_file(const FilePath& file);

  /// The bytes; valid as long as any copy of this object.
  [[nodiscard]] Bytes view() const noexcept { return view_; }

  /// A part of the same bytes, sharing the owner. `offset` and `size` are cut to what there is.
  [[nodiscard]] SharedBytes part(std::size_t offset, std::size_t size) const;

 private:
  std::shared_ptr<const void> owner_;
  Bytes view_;
};

}  // namespace quoin::inline v0
