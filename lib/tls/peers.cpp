// SPDX-License-Identifier: MIT
/// Optional checks of the other side: certificates of clients, and pins.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/base64.h>

#include "base/octets.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0 {
namespace {

Error usage(std::string_view detail) { return {UsageError::invalid_argument, detail}; }

Result<tls::Sha256> parse_pin(std::string_view text) {
  constexpr std::string_view prefix = "sha256//";
  std::string_view digits = text;
  if (digits.starts_with(prefix)) {
    digits.remove_prefix(prefix.size());
  }
  tls::Sha256 digest{};
  std::array<std::uint8_t, 36> room{};  // what 48 digits decode to
  std::size_t size = 0;
  if (digits.size() > 48 ||
      EVP_DecodeBase64(room.data(), &size, room.size(),
                       reinterpret_cast<const std::uint8_t*>(digits.data()), digits.size()) != 1 ||
      size != digest.size()) {
    return std::unexpected(usage("not a pin: \"" + printable(text) +
                                 "\"; it is the SHA-256 of a public key in base64, 44 characters"));
  }
  std::copy_n(room.begin(), digest.size(), digest.begin());
  return digest;
}

Result<> must_be(bool right, const char* role) {
  if (right) return {};
  return std::unexpected(usage(std::string{"this is for the Tls of a "} + role));
}

}  // namespace

std::string Tls::Impl::trust_id() const {
  std::string id = trust == tls::Trust::nothing ? "insecure" : anchors_id;
  std::vector<std::string> sorted;
  for (const tls::Sha256& each : pins) {
    sorted.push_back(tls::base64(each));
  }
  std::ranges::sort(sorted);
  for (const std::string& each : sorted) {
    id += " pin " + each;
  }
  if (const X509* const own = identity.leaf()) {
    id += " as " + tls::fingerprint(own);
  }
  return id;
}

Result<> Tls::pin(std::span<const std::string> pins) {
  if (auto right = must_be(!impl_->server, "client"); !right) return right;
  if (pins.empty()) {
    return std::unexpected(usage("no pins were given; that would restrict nothing"));
  }
  std::vector<tls::Sha256> parsed;
  for (const std::string& text : pins) {
    const auto digest = parse_pin(text);
    if (!digest) return std::unexpected(digest.error());
    parsed.push_back(*digest);
  }
  impl_->pins.insert(impl_->pins.end(), parsed.begin(), parsed.end());
  return {};
}

Result<> Tls::client_certificate_from_pem(std::string_view chain, std::string_view key) {
  if (auto right = must_be(!impl_->server, "client"); !right) return right;
  if (!impl_->store) {
    return std::unexpected(Error{LocalError::certificate_invalid, impl_->setup_error});
  }
  auto identity = tls::parse_identity(chain, key);
  if (!identity) return std::unexpected(identity.error());
  return impl_->use(std::move(*identity));
}

Result<> Tls::client_certificate(const FilePath& chain, const FilePath& key) {
  return tls::from_pair(chain, key,
                        [this](const std::string& chain_text, const std::string& key_text) {
                          return client_certificate_from_pem(chain_text, key_text);
                        });
}

Result<> Tls::verify_clients_from_pem(std::string_view trust_anchors, ClientAuth mode) {
  if (auto right = must_be(impl_->server, "server"); !right) return right;
  if (auto trusted = impl_->trust_anchors(trust_anchors); !trusted) return trusted;
  impl_->ask_clients(mode);
  return {};
}

Result<> Tls::verify_clients(const FilePath& trust_anchors, ClientAuth mode) {
  const auto text = tls::read_file(trust_anchors);
  if (!text) return std::unexpected(text.error());
  auto set = verify_clients_from_pem(*text, mode);
  if (!set) return std::unexpected(tls::in_file(set.error(), trust_anchors));
  return set;
}

}  // namespace quoin::inline v0
