// SPDX-License-Identifier: MIT
/// The ranges of quic::Config.

#include <algorithm>
#include <filesystem>
#include <string>

#include <quoin/quic/config.hpp>

#include "quic/endpoint/token_keys.hpp"

namespace quoin::inline v0::quic {
namespace {

Result<> refuse(std::string_view member, std::string_view range) {
  return std::unexpected(
      Error{UsageError::invalid_argument,
            "quic::Config::" + std::string{member} + ": must be " + std::string{range}});
}

Result<> validate_limits(const Config& config) {
  constexpr std::uint64_t max_window = std::uint64_t{1} << 30;
  constexpr std::uint64_t max_streams = std::uint64_t{1} << 20;
  if (config.stream_window < 1 || config.stream_window > max_window) {
    return refuse("stream_window", "1 to 2^30");
  }
  if (config.max_stream_window < config.stream_window) {
    return refuse("max_stream_window", "stream_window or more");
  }
  if (config.connection_window < 1 || config.connection_window > max_window) {
    return refuse("connection_window", "1 to 2^30");
  }
  if (config.max_connection_window < config.connection_window) {
    return refuse("max_connection_window", "connection_window or more");
  }
  if (config.max_bidirectional_streams > max_streams) {
    return refuse("max_bidirectional_streams", "0 to 2^20");
  }
  if (config.max_unidirectional_streams > max_streams) {
    return refuse("max_unidirectional_streams", "0 to 2^20");
  }
  if (config.datagram_queue < 1 || config.datagram_queue > 65536) {
    return refuse("datagram_queue", "1 to 65536");
  }
  if (config.max_datagram_frame > 65535) return refuse("max_datagram_frame", "0 to 65535");
  if (config.max_handshakes < 1) return refuse("max_handshakes", "1 or more");
  if (config.max_tls_requests < 1) return refuse("max_tls_requests", "1 or more");
  if (config.max_connections < 1) return refuse("max_connections", "1 or more");
  return {};
}

Result<> validate_tokens(const Config& config) {
  using namespace std::chrono_literals;
  if (!config.secret.empty() && config.secret.size() < min_secret_size) {
    return refuse("secret", "32 bytes or more");
  }
  if (!are_token_secrets(config.token_secrets)) {
    return refuse("token_secrets", "up to 4 of 32 bytes or more");
  }
  if (config.retry_token_lifetime < 1s || config.retry_token_lifetime > 1min) {
    return refuse("retry_token_lifetime", "1 s to 1 min");
  }
  if (config.address_token_lifetime != Duration::zero() &&
      (config.address_token_lifetime < 1s || config.address_token_lifetime > 24h * 30)) {
    return refuse("address_token_lifetime", "1 s to 30 days, or zero");
  }
  return {};
}

}  // namespace

Result<> Config::validate() const {
  if (alpn.empty() || alpn.size() > 8) return refuse("alpn", "1 to 8 protocols");
  if (std::ranges::any_of(alpn, [](const std::string& protocol) {
        return protocol.empty() || protocol.size() > 255;
      })) {
    return refuse("alpn", "names of 1 to 255 bytes");
  }
  if (versions.empty() || versions.size() > 2 ||
      (versions.size() == 2 && versions[0] == versions[1])) {
    return refuse("versions", "v1, v2 or both, each once");
  }
  if (connection_ids && (connection_ids->size() < 6 || connection_ids->size() > 20)) {
    return refuse("connection_ids", "a generator of IDs of 6 to 20 bytes");
  }
  if (max_idle_timeout < Duration::zero()) return refuse("max_idle_timeout", "zero or more");
  if (handshake_timeout <= Duration::zero()) return refuse("handshake_timeout", "more than zero");
  if (keep_alive < Duration::zero()) return refuse("keep_alive", "zero or more");
  if (initial_window != 0 && (initial_window < 2400 || initial_window > 1'048'576)) {
    return refuse("initial_window", "2400 to 1048576, or zero");
  }
  if (initial_rtt < std::chrono::milliseconds{1} || initial_rtt > std::chrono::seconds{10}) {
    return refuse("initial_rtt", "1 ms to 10 s");
  }
  if (max_udp_payload < 1200 || max_udp_payload > 65527) {
    return refuse("max_udp_payload", "1200 to 65527");
  }
  if (!preferred_ipv4.is_none() && (!preferred_ipv4.is_ipv4() || preferred_ipv4.port() == 0)) {
    return refuse("preferred_ipv4", "an IPv4 address with a port, or none");
  }
  if (!preferred_ipv6.is_none() && (!preferred_ipv6.is_ipv6() || preferred_ipv6.port() == 0)) {
    return refuse("preferred_ipv6", "an IPv6 address with a port, or none");
  }
  if (auto valid = validate_tokens(*this); !valid) return valid;
  if (!qlog_directory.empty() && !std::filesystem::is_directory(qlog_directory.native())) {
    return refuse("qlog_directory",
                  "an existing directory, and " + qlog_directory.native() + " is none");
  }
  return validate_limits(*this);
}

}  // namespace quoin::inline v0::quic
