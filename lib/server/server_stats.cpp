// SPDX-License-Identifier: MIT
/// Sums the counts of servers.
#include <quoin/server.hpp>

namespace quoin::inline v0 {

ServerStats& ServerStats::operator+=(const ServerStats& other) noexcept {
  quic += other.quic;
  requests += other.requests;
  responses += other.responses;
  requests_failed += other.requests_failed;
  open_requests += other.open_requests;
  timeouts += other.timeouts;
  too_early += other.too_early;
  connections_idle += other.connections_idle;
  excessive_resets += other.excessive_resets;
  body_bytes_sent += other.body_bytes_sent;
  body_bytes_received += other.body_bytes_received;
  files_from_memory += other.files_from_memory;
  datagrams_dropped += other.datagrams_dropped;
  return *this;
}

}  // namespace quoin::inline v0
