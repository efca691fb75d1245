// SPDX-License-Identifier: MIT
/// Taking tickets and using them, inside the engine. Not public.
#pragma once

#include <quoin/quic/resumption.hpp>

#include "quic/connection_impl.hpp"

namespace quoin::inline v0::quic {

/// The engine's way to the members.
struct ResumptionAccess {
  [[nodiscard]] static auto& trust(auto& resumption) { return resumption.trust_; }

  [[nodiscard]] static auto& server_name(auto& resumption) { return resumption.server_name_; }

  [[nodiscard]] static auto& alpn(auto& resumption) { return resumption.alpn_; }

  [[nodiscard]] static auto& tls_session(auto& resumption) { return resumption.tls_session_; }

  [[nodiscard]] static auto& transport_parameters(auto& resumption) {
    return resumption.transport_parameters_;
  }

  [[nodiscard]] static auto& token(auto& resumption) { return resumption.token_; }
};

}  // namespace quoin::inline v0::quic
