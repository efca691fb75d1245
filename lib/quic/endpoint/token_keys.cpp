// SPDX-License-Identifier: MIT
/// Tokens that prove a client's address, and the replacement of their keys.

#include "quic/endpoint/token_keys.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ngtcp2/ngtcp2_crypto.h>

#include "quic/connection_impl.hpp"

namespace quoin::inline v0::quic {
namespace {

constexpr std::size_t max_secrets = 4;
constexpr std::size_t max_retired = 4;

const std::uint8_t* octets_of(const std::string& secret) noexcept {
  return reinterpret_cast<const std::uint8_t*>(secret.data());
}

}  // namespace

bool are_token_secrets(const std::vector<std::string>& secrets) noexcept {
  return secrets.size() <= max_secrets && std::ranges::all_of(secrets, [](const std::string& each) {
           return each.size() >= min_secret_size;
         });
}

Result<> check_token_secrets(const std::vector<std::string>& secrets) {
  if (!secrets.empty() && are_token_secrets(secrets)) return {};
  return std::unexpected(Error{UsageError::invalid_argument,
                               "set_token_secrets: must be 1 to 4 keys of 32 bytes or more"});
}

void TokenKeys::replace(std::vector<std::string> secrets, Time now, Duration life) {
  const auto is_listed = [&](std::string_view secret) {
    return std::ranges::find(secrets, secret) != secrets.end();
  };
  std::erase_if(retired_,
                [&](const Retired& each) { return each.until <= now || is_listed(each.secret); });
  for (std::string& secret : secrets_) {
    if (!is_listed(secret)) retired_.push_back({.secret = std::move(secret), .until = now + life});
  }
  if (retired_.size() > max_retired) {
    retired_.erase(retired_.begin(), retired_.end() - max_retired);
  }
  secrets_ = std::move(secrets);
}

TokenKeys::Verdict TokenKeys::verify(const Address& remote, AcceptInfo& info, const Config& config,
                                     Time now) const {
  if (info.header.tokenlen == 0) return Verdict::none;
  for (const std::string& secret : secrets_) {
    const Verdict verdict = verify_with(secret, remote, info, config, now);
    if (verdict != Verdict::none) return verdict;
  }
  for (const Retired& retired : retired_) {
    if (retired.until <= now) continue;
    const Verdict verdict = verify_with(retired.secret, remote, info, config, now);
    if (verdict != Verdict::none) return verdict;
  }
  return Verdict::none;
}

TokenKeys::Verdict TokenKeys::verify_with(const std::string& secret, const Address& remote,
                                          AcceptInfo& info, const Config& config, Time now) const {
  const ngtcp2_pkt_hd& header = info.header;
  const SocketAddress address{remote};
  switch (header.token[0]) {
    case NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2:
      switch (ngtcp2_crypto_verify_retry_token2(
          &info.original_dcid, header.token, header.tokenlen, octets_of(secret), secret.size(),
          header.version, address.get(), address.size, &header.dcid,
          to_ngtcp2(config.retry_token_lifetime), to_ngtcp2(now))) {
        case 0:
          return Verdict::retry;
        case NGTCP2_CRYPTO_ERR_VERIFY_TOKEN:
          return Verdict::bad_retry;
        default:
          return Verdict::none;
      }
    case NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR: {
      const bool good =
          config.address_token_lifetime > Duration::zero() &&
          ngtcp2_crypto_verify_regular_token(
              header.token, header.tokenlen, octets_of(secret), secret.size(), address.get(),
              address.size, to_ngtcp2(config.address_token_lifetime), to_ngtcp2(now)) == 0;
      return good ? Verdict::address : Verdict::none;
    }
    default:
      return Verdict::none;
  }
}

std::vector<std::uint8_t> TokenKeys::retry_token(const Address& remote,
                                                 const ngtcp2_pkt_hd& initial,
                                                 const ngtcp2_cid& scid, Time now) const {
  const SocketAddress address{remote};
  const std::string& secret = secrets_.front();
  std::vector<std::uint8_t> token(NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2);
  const ngtcp2_ssize size = ngtcp2_crypto_generate_retry_token2(
      token.data(), octets_of(secret), secret.size(), initial.version, address.get(), address.size,
      &scid, &initial.dcid, to_ngtcp2(now));
  token.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return token;
}

std::vector<std::uint8_t> TokenKeys::address_token(const Address& remote, Time now) const {
  const SocketAddress address{remote};
  const std::string& secret = secrets_.front();
  std::vector<std::uint8_t> token(NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN);
  const ngtcp2_ssize size = ngtcp2_crypto_generate_regular_token(
      token.data(), octets_of(secret), secret.size(), address.get(), address.size, to_ngtcp2(now));
  token.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return token;
}

}  // namespace quoin::inline v0::quic
