// SPDX-License-Identifier: MIT
/// What Server and Client share about their endpoint. Not public.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <quoin/connection_info.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/quic/endpoint.hpp>

#include "http/connection_number.hpp"

namespace quoin::inline v0 {

/// Asking twice does no harm (RFC 9110 §9.2.1).
[[nodiscard]] constexpr bool is_safe_method(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

/// Fills in what HTTP/3 needs and the application left open, or set in only one of two places.
void complete_for_http3(quic::Config& config, h3::Config& h3);
/// The HTTP/3 session on a connection of an endpoint that runs nothing else.
[[nodiscard]] h3::Session* session_of(quic::Endpoint& endpoint, quic::ConnectionKey key) noexcept;
/// What is to be told about a connection.
[[nodiscard]] ConnectionInfo describe(const quic::Connection& connection, ConnectionNumber number,
                                      std::string host);

}  // namespace quoin::inline v0
