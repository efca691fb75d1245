// SPDX-License-Identifier: MIT
/// A server with several certificates: which one a client is shown, and what keeps the tickets of
/// one apart from the others'.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <quoin/address.hpp>

#include "quic/connection_impl.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::string_view dns = "DNS:";

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::vector<std::string> names_of(const Tls::Impl& impl) {
  const X509* const leaf = SSL_CTX_get0_certificate(impl.context.get());
  return leaf == nullptr ? std::vector<std::string>{} : quic::certificate_names(leaf);
}

}  // namespace

namespace quic {

void index_names(Tls::Impl& impl) {
  // Whoever took a ticket under one name or one demand for certificates must not bring it where
  // there is another; a new certificate for the same names changes nothing.
  std::string context = "quoin";
  std::vector<std::string> names = names_of(impl);
  for (std::string& name : names) {
    name = lower(name);
    if (name.starts_with(lower(dns))) {
      impl.by_name.try_emplace(name.substr(dns.size()), &impl);
    }
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    context += '\n' + name;
  }
  context += "\n\n" + std::to_string(static_cast<int>(impl.client_auth)) + impl.anchors_id;
  Sha256 digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(context.data()), context.size(), digest.data());
  SSL_CTX_set_session_id_context(impl.context.get(), digest.data(), digest.size());
}

void Connection::Impl::use_host(const Tls& chosen) {
  host = chosen;
  const Tls::Impl& impl = chosen.impl();
  SSL* const own = ssl.get();
  if (SSL_get_SSL_CTX(own) != impl.context.get()) {
    SSL_set_SSL_CTX(own, impl.context.get());
  }
  const int wanted = impl.client_auth == ClientAuth::none ? SSL_VERIFY_NONE
                     : impl.client_auth == ClientAuth::request
                         ? SSL_VERIFY_PEER
                         : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_set_verify(own, wanted, nullptr);
  // Another context brings its own idea of early data along.
  const bool early_data = shared.config.early_data && impl.client_auth == ClientAuth::none;
  SSL_set_early_data_enabled(own, early_data ? 1 : 0);
}

int select_host(SSL* ssl, int* alert, void*) {
  auto* ref = static_cast<ngtcp2_crypto_conn_ref*>(SSL_get_app_data(ssl));
  auto& connection = *static_cast<Connection::Impl*>(ref->user_data);
  const char* const sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const std::string name = lower(sent == nullptr ? "" : sent);
  const Tls& root = connection.tls;
  const Tls::Impl* const found = root.impl().find_host(name);
  if (found == nullptr) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    connection.tls_error = Error{Error::Domain::tls, SSL_AD_UNRECOGNIZED_NAME,
                                 "no certificate for the name asked for, " + printable(name)};
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  const auto& hosts = root.impl().hosts;
  const auto host = std::ranges::find(hosts, found, [](const Tls& each) { return &each.impl(); });
  connection.use_host(host == hosts.end() ? root : *host);
  return SSL_TLSEXT_ERR_OK;
}

namespace {

// Client: the server has proved to be this host, too.
bool is_certified_for(const Connection::Impl& connection, std::string_view host) {
  if (connection.alpn.empty() || connection.tls.impl().trust == Trust::nothing || host.empty()) {
    return false;
  }
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{
      SSL_get_peer_certificate(connection.ssl.get()), &X509_free};
  if (!certificate) {
    return false;
  }
  if (const auto literal = Address::parse_host(host, 0)) {
    return X509_check_ip(certificate.get(), to_octets(literal->ip()), literal->ip().size(), 0) == 1;
  }
  constexpr unsigned flags =
      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  return X509_check_host(certificate.get(), host.data(), host.size(), flags, nullptr) == 1;
}

}  // namespace

bool Connection::serves(std::string_view name) const {
  const Tls::Impl& root = impl_->tls.impl();
  if (!impl_->server) {
    return is_certified_for(*impl_, name);
  }
  if (root.hosts.empty() && !root.on_demand) {
    return true;
  }
  // As the name would be in SNI: without the dot at its end, and not at all for an address.
  std::string asked = Address::parse_host(name, 0) ? std::string{} : lower(name);
  if (asked.ends_with('.')) {
    asked.pop_back();
  }
  const Tls::Impl* const found = root.find_host(asked);
  if (found == &root && root.on_demand) {
    // What a new connection would be given for another name, nobody knows.
    const char* const sent = SSL_get_servername(impl_->ssl.get(), TLSEXT_NAMETYPE_host_name);
    return asked == lower(sent == nullptr ? "" : sent);
  }
  return found == &impl_->host.value_or(impl_->tls).impl();
}

}  // namespace quic

const Tls::Impl* Tls::Impl::find_host(std::string_view name) const {
  if (const auto exact = by_name.find(name); exact != by_name.end()) {
    return exact->second;
  }
  if (const std::size_t dot = name.find('.'); dot != std::string_view::npos && dot != 0) {
    const auto wildcard = by_name.find('*' + std::string{name.substr(dot)});
    if (wildcard != by_name.end()) {
      return wildcard->second;
    }
  }
  // Who connects to an address names none, which is no mistake (RFC 6066 §3).
  return strict_hosts && !on_demand && !name.empty() ? nullptr : this;
}

Result<> Tls::add_host(const Tls& host) {
  const Impl& added = host.impl();
  if (!impl_->server || !added.server || added.on_demand || !added.hosts.empty() ||
      &added == impl_.get()) {
    return std::unexpected(
        Error{UsageError::invalid_argument,
              "a host is another server's Tls, without hosts of its own, added to a server's"});
  }
  if (added.by_name.empty()) {
    return std::unexpected(Error{UsageError::invalid_argument,
                                 "the host's certificate has no DNS name, so nobody can ask for "
                                 "it by SNI"});
  }
  for (const auto& [name, impl] : added.by_name) {
    impl_->by_name.try_emplace(name, impl);
  }
  impl_->hosts.push_back(host);
  return {};
}

void Tls::set_strict_hosts(bool strict) { impl_->strict_hosts = strict; }

std::vector<std::string> Tls::names() const {
  std::vector<std::string> all;
  if (!impl_->server) {
    return all;
  }
  all = names_of(*impl_);
  for (const Tls& host : impl_->hosts) {
    for (std::string& name : names_of(host.impl())) {
      all.push_back(std::move(name));
    }
  }
  return all;
}

}  // namespace quoin::inline v0
