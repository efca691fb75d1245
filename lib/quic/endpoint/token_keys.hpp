// SPDX-License-Identifier: MIT
/// The keys of Retry and address tokens, and the tokens themselves (RFC 9000 §8.1). Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <ngtcp2/ngtcp2.h>

#include <quoin/address.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/time.hpp>

#include "quic/endpoint/token_secrets.hpp"

namespace quoin::inline v0::quic {

struct AcceptInfo;

/// One key that signs and others that are still, or already, accepted.
class TokenKeys {
 public:
  /// The value of the token in an Initial.
  enum class Verdict : std::uint8_t {
    none,       ///< nothing, like no token
    address,    ///< the client has been at this address before
    retry,      ///< it answers our Retry; the original destination is filled in
    bad_retry,  ///< it answers a Retry of ours, too late or from elsewhere
  };

  TokenKeys() = default;

  explicit TokenKeys(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {}

  /// The first of `secrets` signs from `now` on; removed ones are accepted for another `life`.
  void replace(std::vector<std::string> secrets, Time now, Duration life);

  [[nodiscard]] Verdict verify(const Address& remote, AcceptInfo& info, const Config& config,
                               Time now) const;
  /// A token for a Retry to this Initial that names `scid`; empty if it cannot be made.
  [[nodiscard]] std::vector<std::uint8_t> retry_token(const Address& remote,
                                                      const ngtcp2_pkt_hd& initial,
                                                      const ngtcp2_cid& scid, Time now) const;
  /// A token for NEW_TOKEN; empty if it cannot be made.
  [[nodiscard]] std::vector<std::uint8_t> address_token(const Address& remote, Time now) const;

 private:
  struct Retired {
    std::string secret;
    Time until;
  };

  [[nodiscard]] Verdict verify_with(const std::string& secret, const Address& remote,
                                    AcceptInfo& info, const Config& config, Time now) const;

  std::vector<std::string> secrets_;  // the first one signs
  std::vector<Retired> retired_;
};

}  // namespace quoin::inline v0::quic
