// SPDX-License-Identifier: MIT
/// Making a Tls from files, texts and the system's trust store, and its getters.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "base/access.hpp"
#include "base/octets.hpp"
#include "tls/library.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::array system_bundles{"/etc/ssl/certs/ca-certificates.crt",
                                    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                    "/etc/ssl/cert.pem", "/usr/local/share/certs/ca-root-nss.crt"};

Result<std::shared_ptr<Tls::Impl>> make_impl(bool server) {
  if (const char* problem = tls::library_error()) return std::unexpected(tls::tls_error(problem));
  auto impl = std::make_shared<Tls::Impl>();
  impl->server = server;
  impl->store.reset(X509_STORE_new());
  if (!impl->store) {
    return std::unexpected(tls::tls_error("cannot keep certificates: " + tls::take_tls_error()));
  }
  return impl;
}

/// `parse` gives the certificate, once there is a TLS library to read it with.
Result<Tls> make_server(auto&& parse) {
  auto impl = make_impl(true);
  if (!impl) return std::unexpected(impl.error());
  Result<tls::Identity> identity = parse();
  if (!identity) return std::unexpected(identity.error());
  if (auto used = (*impl)->use(std::move(*identity)); !used) return std::unexpected(used.error());
  return detail::named<Tls>(std::move(*impl));
}

/// A client without trust anchors. It cannot fail here; its connections will.
std::shared_ptr<Tls::Impl> make_client() {
  if (auto impl = make_impl(false)) {
    return std::move(*impl);
  } else {
    auto broken = std::make_shared<Tls::Impl>();
    broken->setup_error = impl.error().detail();
    return broken;
  }
}

void trust_system(Tls::Impl& impl) {
  if (const char* chosen = std::getenv("SSL_CERT_FILE"); chosen != nullptr && *chosen != '\0') {
    const auto text = tls::read_file(chosen);
    if (!text || !impl.trust_anchors(*text)) {
      impl.setup_error = "the file in SSL_CERT_FILE, " + std::string{chosen} +
                         ", cannot be read or has no certificates";
    }
    return;
  }
  for (const char* bundle : system_bundles) {
    if (const auto text = tls::read_file(bundle); text && impl.trust_anchors(*text)) return;
  }
  impl.setup_error =
      "this system has no certificate bundle; install ca-certificates or name a file";
}

X509* leaf(const Tls::Impl& impl) { return impl.server ? impl.identity.leaf() : nullptr; }

}  // namespace

Result<Tls> Tls::server_from_pem(std::string_view chain, std::string_view key) {
  return make_server([&] { return tls::parse_identity(chain, key); });
}

Result<Tls> Tls::server(const FilePath& chain, const FilePath& key) {
  return tls::from_pair(chain, key, [](const std::string& chain_text, const std::string& key_text) {
    return server_from_pem(chain_text, key_text);
  });
}

Result<Tls> Tls::server_without_key_from_pem(std::string_view chain) {
  return make_server([&] { return tls::parse_identity(chain); });
}

Result<Tls> Tls::server_without_key(const FilePath& chain) {
  const auto text = tls::read_file(chain);
  if (!text) return std::unexpected(text.error());
  auto made = server_without_key_from_pem(*text);
  if (!made) return std::unexpected(tls::in_file(made.error(), chain));
  return made;
}

Result<Tls> Tls::server_on_demand() {
  auto impl = make_impl(true);
  if (!impl) return std::unexpected(impl.error());
  (*impl)->on_demand = true;
  return Tls{std::move(*impl)};
}

Result<Tls> Tls::self_signed() {
  const std::array<std::string, 3> names{"localhost", "127.0.0.1", "::1"};
  return self_signed(names);
}

Tls Tls::client() {
  auto impl = make_client();
  if (impl->store) {
    trust_system(*impl);
  }
  return Tls{std::move(impl)};
}

Result<Tls> Tls::client_from_pem(std::string_view trust_anchors) {
  auto impl = make_impl(false);
  if (!impl) return std::unexpected(impl.error());
  if (auto trusted = (*impl)->trust_anchors(trust_anchors); !trusted) {
    return std::unexpected(trusted.error());
  }
  return Tls{std::move(*impl)};
}

Result<Tls> Tls::client(const FilePath& trust_anchors) {
  const auto text = tls::read_file(trust_anchors);
  if (!text) return std::unexpected(text.error());
  auto made = client_from_pem(*text);
  if (!made) return std::unexpected(tls::in_file(made.error(), trust_anchors));
  return made;
}

Tls Tls::insecure_client() {
  auto impl = make_client();
  impl->trust = tls::Trust::nothing;
  return Tls{std::move(impl)};
}

Result<Tls> Tls::pinned_client(std::span<const std::string> pins) {
  Tls made = insecure_client();
  if (auto pinned = made.pin(pins); !pinned) return std::unexpected(pinned.error());
  return made;
}

std::string Tls::trust_problem() const { return impl_->setup_error; }

bool Tls::is_server() const noexcept { return impl_->server; }

Result<> Tls::set_ciphers(std::string_view names) {
  struct Cipher {
    std::string_view name;
    std::uint16_t number;
  };

  static constexpr std::array<Cipher, 3> known{{{"TLS_AES_128_GCM_SHA256", 0x1301},
                                                {"TLS_AES_256_GCM_SHA384", 0x1302},
                                                {"TLS_CHACHA20_POLY1305_SHA256", 0x1303}}};
  std::vector<std::uint16_t> chosen;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(':'));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    const auto found = std::ranges::find(known, name, &Cipher::name);
    if (found == known.end()) {
      return std::unexpected(
          Error{UsageError::invalid_argument,
                "unknown cipher suite " + printable(name) +
                    "; there are TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 and "
                    "TLS_CHACHA20_POLY1305_SHA256"});
    }
    chosen.push_back(found->number);
  }
  impl_->ciphers = std::move(chosen);
  return {};
}

void Tls::set_key_log(std::move_only_function<void(std::string_view line)> log) {
  impl_->key_log = std::move(log);
}

std::string Tls::certificate_sha256() const { return tls::fingerprint(leaf(*impl_)); }

std::string Tls::spki_sha256() const {
  const X509* const certificate = leaf(*impl_);
  return certificate == nullptr ? std::string{} : tls::base64(tls::spki_digest(certificate));
}

std::string Tls::certificate_pem() const {
  if (leaf(*impl_) == nullptr) return {};
  const tls::BioPtr out{BIO_new(BIO_s_mem())};
  for (const tls::CertificatePtr& certificate : impl_->identity.chain) {
    PEM_write_bio_X509(out.get(), certificate.get());
  }
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  BIO_mem_contents(out.get(), &data, &size);
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace quoin::inline v0
