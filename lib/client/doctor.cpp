// SPDX-License-Identifier: MIT
/// The doctor: queries a server as any client does, and describes what happens.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/doctor.hpp>
#include <quoin/error.hpp>
#include <quoin/io/probe.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>
#include <quoin/url.hpp>

#include "io/host_lookup.hpp"

namespace quoin::inline v0 {
namespace {

using io::Finding;
using Verdict = Finding::Verdict;

/// The outcome for one address.
struct Attempt {
  std::optional<Result<Reply>> outcome;
  std::optional<ConnectionInfo> connection;
};

std::string milliseconds(Duration span) {
  std::array<char, 32> text{};
  const double value = std::chrono::duration<double, std::milli>{span}.count();
  (void)std::snprintf(text.data(), text.size(), "%.1f ms", value);
  return text.data();
}

// What to do about a failure to get a reply.
std::string advice_for(const Error& error, const std::string& port) {
  const auto is = [&](auto code) { return error == Error{code}; };
  if (is(LocalError::no_answer)) {
    return "nothing came back: allow UDP to port " + port +
           " on the way (firewalls and proxies often allow TCP only), or fall back to HTTP/2";
  }
  if (is(LocalError::handshake_timeout)) {
    return "answers came but stopped: look for loss or a small MTU on the way, or a busy server";
  }
  if (error.domain() == Error::Domain::system && error.code() == ECONNREFUSED) {
    return "start the server, or check the port: the host says that nobody listens on UDP port " +
           port;
  }
  if (error.domain() == Error::Domain::system) {
    return "look at this machine's addresses and routes; fine if it is not to use this family";
  }
  if (is(LocalError::certificate_name)) {
    return "ask by a name that the certificate has, or get one for this name";
  }
  if (is(LocalError::certificate_expired)) return "renew the certificate, or set this clock right";
  if (is(LocalError::certificate_untrusted)) {
    return "trust the issuer (--ca FILE), or have the server send its intermediate certificates";
  }
  if (is(LocalError::certificate_invalid)) return "get a certificate that is made for servers";
  if (is(LocalError::version_negotiation)) return "the server speaks neither QUIC v1 nor v2";
  if (error.domain() == Error::Domain::tls) {
    return "the server may not offer HTTP/3 (ALPN \"h3\") on this port, or no common cipher";
  }
  return "the server answers, but not as HTTP/3 does; look at its log";
}

// HEAD from one address; then the connection is left idle for a while, to find its path MTU.
Attempt attempt(const Url& url, const Address& address, const DoctorOptions& options) {
  constexpr std::chrono::milliseconds settling{300};
  Attempt made;
  Loop loop;
  ClientConfig config;
  config.connect_timeout = options.timeout;
  config.request_timeout = options.timeout + options.timeout / 2;
  Client client{loop, options.tls, std::move(config)};
  if (auto used = client.resolve(url.host, url.port, address); !used) {
    made.outcome.emplace(std::unexpected(used.error()));
    return made;
  }
  ClientRequest request;
  request.method = "HEAD";
  request.url = url.to_string();
  bool over = false;
  client.on_disconnected([&](const ConnectionInfo& info) {
    if (!info.tls.version.empty()) made.connection = info;
  });
  client.request(std::move(request), [&](Result<Reply> reply) {
    made.outcome.emplace(std::move(reply));
    loop.after(made.outcome->has_value() ? Duration{settling} : Duration{}, [&] { over = true; });
  });
  while (!over) {
    loop.turn();
    if (!over) loop.wait();
  }
  const std::vector<ConnectionInfo> up = client.connections();
  if (!up.empty()) made.connection = up.front();
  return made;
}

std::optional<std::chrono::sys_days> day_of(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  // NOLINTNEXTLINE(cert-err34-c): the library itself wrote it
  if (std::sscanf(text.c_str(), "%d-%u-%u", &year, &month, &day) != 3) return std::nullopt;
  return std::chrono::sys_days{std::chrono::year{year} / static_cast<int>(month) /
                               static_cast<int>(day)};
}

Finding certificate(const TlsInfo& tls) {
  std::string detail = "for";
  constexpr std::size_t most_names = 8;
  for (std::size_t i = 0; i < std::min(tls.certificate_names.size(), most_names); ++i) {
    detail += " " + tls.certificate_names[i];
  }
  if (tls.certificate_names.size() > most_names) detail += " ...";
  detail += ", by " + tls.certificate_issuer + ", until " + tls.certificate_expires;
  constexpr std::chrono::days soon{7};
  const auto end = day_of(tls.certificate_expires);
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  if (end && *end < today + soon) {
    return {Verdict::note, "certificate", detail, "renew it: it ends within a week"};
  }
  return {Verdict::good, "certificate", detail, {}};
}

void add_connection(std::vector<Finding>& findings, const ConnectionInfo& info) {
  findings.push_back({Verdict::good,
                      "handshake",
                      milliseconds(info.stats.handshake_time) + ", round trip " +
                          milliseconds(info.stats.smoothed_rtt) + ", " + info.tls.version + " " +
                          info.tls.cipher + " " + info.tls.group,
                      {}});
  findings.push_back({Verdict::good, "protocol", info.tls.alpn, {}});
  findings.push_back(certificate(info.tls));
  constexpr std::size_t least = 1200;
  const std::string size = std::to_string(info.stats.udp_payload_size) + " bytes of UDP payload";
  findings.push_back(
      info.stats.udp_payload_size > least
          ? Finding{Verdict::good, "path MTU", size, {}}
          : Finding{Verdict::note, "path MTU", size + ", the smallest that QUIC allows",
                    "a tunnel or a VPN may be on the way; it works, a little slower"});
}

}  // namespace

std::vector<Finding> examine_system() {
  std::vector<Finding> findings = io::probe();
  const std::string problem = Tls::client().trust_problem();
  findings.push_back(problem.empty()
                         ? Finding{Verdict::good, "trust", "the system has certificates", {}}
                         : Finding{Verdict::note, "trust", problem,
                                   "install ca-certificates, or name whom to trust"});
  return findings;
}

std::vector<Finding> examine_server(std::string_view text, const DoctorOptions& options) {
  const Result<Url> url = Url::parse(text);
  if (!url) return {{Verdict::bad, "URL", url.error().message(), "write https://HOST[:PORT]/PATH"}};
  std::vector<Finding> findings;
  std::vector<Address> addresses = options.addresses;
  if (addresses.empty()) {
    Result<std::vector<Address>> found = io::look_up_host(url->host, url->port);
    if (!found) {
      return {{Verdict::bad, "name", found.error().message(),
               "check the spelling and this machine's name servers (/etc/resolv.conf)"}};
    }
    addresses = std::move(*found);
  }
  std::string all;
  for (const Address& address : addresses) all += (all.empty() ? "" : " ") + address.host();
  findings.push_back({Verdict::good, "name", url->host + " is at " + all, {}});

  bool reached = false;
  std::vector<Finding> failures;
  for (const bool ipv4 : {false, true}) {
    const auto address = std::ranges::find(addresses, ipv4, &Address::is_ipv4);
    if (address == addresses.end()) continue;
    const Attempt made = attempt(*url, address->with_port(url->port), options);
    const std::string subject = ipv4 ? "over IPv4" : "over IPv6";
    if (!made.outcome->has_value()) {
      const Error& error = made.outcome->error();
      failures.push_back(
          {Verdict::bad, subject, error.message(), advice_for(error, std::to_string(url->port))});
      continue;
    }
    reached = true;
    findings.push_back({Verdict::good,
                        subject,
                        "status " + std::to_string((*made.outcome)->status) + " after " +
                            milliseconds((*made.outcome)->timing.total),
                        {}});
    if (made.connection) add_connection(findings, *made.connection);
  }
  for (Finding& failure : failures) {
    // One family is enough for a client.
    if (reached) failure.verdict = Verdict::note;
    findings.push_back(std::move(failure));
  }
  return findings;
}

bool all_work(const std::vector<Finding>& findings) noexcept {
  return std::ranges::find(findings, Verdict::bad, &Finding::verdict) == findings.end();
}

}  // namespace quoin::inline v0
