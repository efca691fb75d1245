// SPDX-License-Identifier: MIT
/// A server with several certificates: which one a client is shown.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/x509v3.h>

#include <quoin/address.hpp>

#include "base/access.hpp"
#include "base/octets.hpp"
#include "tls/session.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::inline v0 {

namespace tls {

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::string_view name_sent(const SSL* ssl) {
  const char* const sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return sent == nullptr ? std::string_view{} : sent;
}

int select_host(SSL* ssl, int* alert, void*) {
  Session& session = Session::of(ssl);
  const std::string name = lower(name_sent(ssl));
  const Tls& root = session.settings();
  const Tls::Impl* const found = detail::impl_of(root).find_host(name);
  if (found == nullptr) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    session.fail({Error::Domain::tls, SSL_AD_UNRECOGNIZED_NAME,
                  "no certificate for the name asked for, " + printable(name)});
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  const auto& hosts = detail::impl_of(root).hosts;
  const auto host =
      std::ranges::find(hosts, found, [](const Tls& each) { return &detail::impl_of(each); });
  if (!session.use_host(host == hosts.end() ? root : *host)) {
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  return SSL_TLSEXT_ERR_OK;
}

bool Session::use_host(const Tls& chosen) {
  const Tls::Impl& impl = detail::impl_of(chosen);
  SSL* const own = ssl_.get();
  const ContextPtr context = impl.context(*transport_);
  if (!context) return false;
  host_ = chosen;
  if (SSL_get_SSL_CTX(own) != context.get()) {
    SSL_set_SSL_CTX(own, context.get());
  }
  const int wanted = impl.client_auth == ClientAuth::none ? SSL_VERIFY_NONE
                     : impl.client_auth == ClientAuth::request
                         ? SSL_VERIFY_PEER
                         : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_set_verify(own, wanted, nullptr);
  // Another context brings its own early data setting.
  const bool early_data = connection_->takes_early_data() && impl.client_auth == ClientAuth::none;
  SSL_set_early_data_enabled(own, early_data ? 1 : 0);
  return true;
}

namespace {

// Client: the server has proved to be this host, too.
bool is_certified_for(const SSL* ssl, std::string_view host) {
  const CertificatePtr certificate{SSL_get_peer_certificate(ssl)};
  if (!certificate) return false;
  if (const auto literal = Address::parse_host(host, 0)) {
    return X509_check_ip(certificate.get(), to_octets(literal->ip()), literal->ip().size(), 0) == 1;
  }
  constexpr unsigned flags =
      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  return X509_check_host(certificate.get(), host.data(), host.size(), flags, nullptr) == 1;
}

}  // namespace

bool Session::serves(std::string_view name) const {
  const Tls::Impl& root = detail::impl_of(settings_);
  if (!is_server()) {
    return !alpn_.empty() && root.trust != Trust::nothing && !name.empty() &&
           is_certified_for(ssl_.get(), name);
  }
  if (root.hosts.empty() && !root.on_demand) return true;
  // As the name would be in SNI: without the dot at its end, and not at all for an address.
  std::string asked = Address::parse_host(name, 0) ? std::string{} : lower(name);
  if (asked.ends_with('.')) {
    asked.pop_back();
  }
  const Tls::Impl* const found = root.find_host(asked);
  if (found == &root && root.on_demand) {
    // What a new connection would get for another name is unknown.
    return asked == lower(name_sent(ssl_.get()));
  }
  return found == &detail::impl_of(host_.value_or(settings_));
}

}  // namespace tls

void Tls::Impl::index_names() {
  constexpr std::string_view dns = "dns:";
  for (const std::string& each : tls::certificate_names(identity.leaf())) {
    const std::string name = tls::lower(each);
    if (name.starts_with(dns)) {
      by_name.try_emplace(name.substr(dns.size()), this);
    }
  }
}

const Tls::Impl* Tls::Impl::find_host(std::string_view name) const {
  if (const auto exact = by_name.find(name); exact != by_name.end()) return exact->second;
  if (const std::size_t dot = name.find('.'); dot != std::string_view::npos && dot != 0) {
    const auto wildcard = by_name.find('*' + std::string{name.substr(dot)});
    if (wildcard != by_name.end()) return wildcard->second;
  }
  // A client that connects to an address sends no name, which is correct (RFC 6066 §3).
  return strict_hosts && !on_demand && !name.empty() ? nullptr : this;
}

Result<> Tls::add_host(const Tls& host) {
  const Impl& added = detail::impl_of(host);
  if (!impl_->server || !added.server || added.on_demand || !added.hosts.empty() ||
      &added == impl_.get()) {
    return std::unexpected(
        Error{UsageError::invalid_argument,
              "a host is another server's Tls, without hosts of its own, added to a server's"});
  }
  if (added.by_name.empty()) {
    return std::unexpected(Error{UsageError::invalid_argument,
                                 "the host's certificate has no DNS name, so no client can ask for "
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
  if (!impl_->server) return all;
  all = tls::certificate_names(impl_->identity.leaf());
  for (const Tls& host : impl_->hosts) {
    for (std::string& name : tls::certificate_names(detail::impl_of(host).identity.leaf())) {
      all.push_back(std::move(name));
    }
  }
  return all;
}

}  // namespace quoin::inline v0
