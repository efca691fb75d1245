// SPDX-License-Identifier: MIT
/// Conversions between quoin's values and ngtcp2's. No decisions are made here.
#pragma once

#include <cstddef>
#include <cstdint>

#include <ngtcp2/ngtcp2.h>

#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/time.hpp>

#include "base/octets.hpp"

namespace quoin::inline v0::quic {

[[nodiscard]] inline ngtcp2_tstamp to_ngtcp2(Time time) noexcept {
  return static_cast<ngtcp2_tstamp>(time.time_since_epoch().count());
}

[[nodiscard]] inline ngtcp2_duration to_ngtcp2(Duration span) noexcept {
  return static_cast<ngtcp2_duration>(span.count());
}

[[nodiscard]] inline Duration to_duration(ngtcp2_duration span) noexcept {
  return Duration{static_cast<Duration::rep>(span)};
}

[[nodiscard]] inline Time to_time(ngtcp2_tstamp timestamp) noexcept {
  return Time{to_duration(timestamp)};
}

/// An ngtcp2_path with room for its addresses, made from ours.
class PathStorage {
 public:
  /// For ngtcp2 to fill.
  PathStorage() noexcept { ngtcp2_path_storage_zero(&storage_); }

  explicit PathStorage(const Path& path) noexcept;
  PathStorage(const PathStorage&) = delete;
  PathStorage& operator=(const PathStorage&) = delete;
  ~PathStorage() = default;

  [[nodiscard]] ngtcp2_path* get() noexcept { return &storage_.path; }

 private:
  ngtcp2_path_storage storage_;
};

/// A socket address on the stack, for the calls that take one.
struct SocketAddress {
  explicit SocketAddress(const Address& address) noexcept;

  [[nodiscard]] const ngtcp2_sockaddr* get() const noexcept { return &storage.sa; }

  ngtcp2_sockaddr_union storage{};
  ngtcp2_socklen size = 0;
};

[[nodiscard]] Address to_address(const ngtcp2_addr& address) noexcept;
[[nodiscard]] Path to_path(const ngtcp2_path& path) noexcept;

/// The reason in a CONNECTION_CLOSE, ours or the peer's, with its text made safe for a log.
/// `http3`: application codes are HTTP/3's.
[[nodiscard]] Error to_error(const ngtcp2_ccerr& reason, bool http3);

}  // namespace quoin::inline v0::quic
