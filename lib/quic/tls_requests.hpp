// SPDX-License-Identifier: MIT
/// Handshakes of an endpoint that wait for a certificate or a signature. The request waits here
/// until the endpoint's owner polls it, and the answer makes ngtcp2 go on. Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include <quoin/tls_request.hpp>

namespace quoin::inline v0::quic {

/// What all connections of an endpoint wait for.
struct TlsRequests {
  std::deque<TlsRequestId> unseen;  ///< not polled yet
  std::size_t waiting = 0;          ///< including polled ones
  std::uint64_t made = 0;
  std::uint64_t refused = 0;
};

}  // namespace quoin::inline v0::quic
