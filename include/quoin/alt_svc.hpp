// SPDX-License-Identifier: MIT
/// Alternative services (RFC 7838): how a server on TCP announces that it speaks HTTP/3 as well,
/// and what a client remembers of that. Client has such a cache, see ClientConfig::alternatives;
/// programs that use another library for HTTP/1.1 or HTTP/2 can use it too.
#pragma once

#include <quoin/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0 {

/// Another place where an origin can be reached (RFC 7838 §3).
struct AltService {
  std::string protocol = "h3";  ///< the ALPN name
  std::string host{};           ///< empty: the origin's own; IPv6 addresses without brackets
  std::uint16_t port = 443;     ///< of UDP if the protocol is h3; never 0
  std::chrono::seconds max_age = std::chrono::hours{24};  ///< how long this is valid
  bool persist = false;  ///< still valid when the client changes networks

  friend bool operator==(const AltService&, const AltService&) = default;
};

/// The value of the header `alt-svc` for a server whose HTTP/3 is on `port` of the same host, for
/// example `h3=":443"; ma=86400`. For the replies of the server on TCP; HTTP/3 does not need it.
[[nodiscard]] QUOIN_EXPORT std::string alt_svc(std::uint16_t port = 443,
                                               std::chrono::seconds max_age = std::chrono::hours{
                                                   24});

/// Reads the value of a header `alt-svc`: the services in the server's order, at most 16; none for
/// "clear". Unknown parameters are skipped. Errors: UsageError::invalid_argument with the text if
/// it breaks the syntax or has more than 4096 bytes.
[[nodiscard]] QUOIN_EXPORT Result<std::vector<AltService>> parse_alt_svc(std::string_view value);

/// What is known of an origin.
struct AltSvcEntry {
  std::string host{};                  ///< of the origin
  std::uint16_t port = 443;            ///< of the origin
  std::vector<AltService> services{};  ///< in its order; `max_age` is the time left
};

/// What servers announced. A service must prove to be the origin: connect to its address, but check
/// the certificate against the origin's name (Client::resolve() does that), and ignore replies that
/// were not authenticated (RFC 7838 §2.1).
class QUOIN_EXPORT AltSvcCache {
 public:
  /// Remembers up to `max_origins` origins, 1 or more; beyond that the one that expires first is
  /// dropped.
  explicit AltSvcCache(std::size_t max_origins = 1024);

  /// An https reply for `host`, lower case, and `port` had this header `alt-svc`, which replaces
  /// what is known. `age` is the value of the reply's header `age`. Errors: those of
  /// parse_alt_svc(); nothing changes then.
  [[nodiscard]] Result<> handle_header(std::string_view host, std::uint16_t port,
                                       std::string_view value, Time now, Duration age = {});
  /// The same for services known by other means, a file for example.
  void put(const AltSvcEntry& entry, Time now);
  /// The server's first choice for `protocol` that is still valid and not set aside, with `host`
  /// filled in.
  [[nodiscard]] std::optional<AltService> find(std::string_view host, std::uint16_t port,
                                               std::string_view protocol, Time now) const;
  /// This service does not answer, or answers with 421 (RFC 7838 §6): find() leaves it out until
  /// then, even if the origin names it again.
  void set_aside(std::string_view host, std::uint16_t port, const AltService& service, Time until);
  /// Forgets an origin.
  void forget(std::string_view host, std::uint16_t port);
  /// The network has changed: forgets what does not persist (RFC 7838 §2.2).
  void handle_network_change();

  /// All that is still valid, in the order of the origins' names.
  [[nodiscard]] std::vector<AltSvcEntry> entries(Time now) const;

  /// The number of remembered origins.
  [[nodiscard]] std::size_t size() const noexcept { return origins_.size(); }

 private:
  struct Entry {
    AltService service;
    Time expires;
    Time usable_from;
  };

  struct Origin {
    std::string host;
    std::uint16_t port = 0;
    std::vector<Entry> services;
  };

  std::size_t max_origins_;
  std::map<std::string, Origin, std::less<>> origins_;
};

}  // namespace quoin::inline v0
