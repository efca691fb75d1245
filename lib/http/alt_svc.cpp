// SPDX-License-Identifier: MIT
/// See alt_svc.hpp.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <quoin/alt_svc.hpp>
#include <quoin/error.hpp>
#include <quoin/time.hpp>
#include <quoin/url.hpp>

#include "http/host_name.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::size_t longest_value = 4096;
constexpr std::size_t most_services = 16;
/// Longer than anyone needs; keeps time arithmetic in range.
constexpr std::chrono::seconds longest_age = std::chrono::hours{24 * 365};

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range && at == end) return std::nullopt;
  return error == std::errc{} && at == end && !text.empty() ? std::optional{value} : std::nullopt;
}

bool is_token_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view{"!#$%&'*+-.^_`|~"}.contains(c);
}

/// Reads the text from left to right; each function takes what its name says, if present.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::string> token() {
    std::size_t size = 0;
    while (size < rest_.size() && is_token_character(rest_[size])) ++size;
    if (size == 0) return std::nullopt;
    std::string out{rest_.substr(0, size)};
    rest_.remove_prefix(size);
    return out;
  }

  std::optional<std::string> quoted() {
    if (!take('"')) return std::nullopt;
    std::string out;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) return std::nullopt;
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    return take('"') ? std::optional{out} : std::nullopt;
  }

 private:
  std::string_view rest_;
};

/// "host:port", the host possibly empty or an address in brackets.
bool read_authority(std::string_view text, AltService& service) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = text.substr(0, colon);
  const auto port = number_of<std::uint16_t>(text.substr(colon + 1));
  if (!port || *port == 0) return false;
  service.port = *port;
  if (host.empty()) return true;
  // Hosts that a URL may not have are refused here too.
  if (host.contains(':') && !host.starts_with('[')) return false;
  Result<std::string> normal = normal_host(host);
  if (normal) service.host = std::move(*normal);
  return normal.has_value();
}

void apply(AltService& service, std::string_view name, std::string_view value) {
  if (name == "ma") {
    if (const auto seconds = number_of<std::uint32_t>(value)) {
      service.max_age = std::min(std::chrono::seconds{*seconds}, longest_age);
    } else if (!value.empty() &&
               std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) {
      service.max_age = longest_age;
    }
  } else if (name == "persist") {
    service.persist = value == "1";
  }
}

std::optional<AltService> read_service(Parser& parser) {
  AltService service;
  const auto protocol = parser.token();
  if (!protocol || !parser.take('=')) return std::nullopt;
  const auto name = percent_decode(*protocol);
  const auto authority = parser.quoted();
  if (!name || !authority || !read_authority(*authority, service)) return std::nullopt;
  service.protocol = *name;
  for (;;) {
    parser.skip_space();
    if (!parser.take(';')) return service;
    parser.skip_space();
    const auto key = parser.token();
    if (!key || !parser.take('=')) return std::nullopt;
    auto value = parser.token();
    if (!value) value = parser.quoted();
    if (!value) return std::nullopt;
    apply(service, *key, *value);
  }
}

std::string key_of(std::string_view host, std::uint16_t port) {
  return std::string{host} + ':' + std::to_string(port);
}

bool is_same_place(const AltService& a, const AltService& b) noexcept {
  return a.protocol == b.protocol && a.host == b.host && a.port == b.port;
}

}  // namespace

std::string alt_svc(std::uint16_t port, std::chrono::seconds max_age) {
  return "h3=\":" + std::to_string(port) + "\"; ma=" + std::to_string(max_age.count());
}

Result<std::vector<AltService>> parse_alt_svc(std::string_view value) {
  std::vector<AltService> services;
  Parser parser{value};
  parser.skip_space();
  if (value.size() > longest_value) {
    return std::unexpected(Error{UsageError::invalid_argument, "alt-svc: more than 4096 bytes"});
  }
  if (value == "clear") return services;
  for (;;) {
    std::optional<AltService> service = read_service(parser);
    parser.skip_space();
    const bool is_last = parser.at_end();
    if (!service || (!is_last && !parser.take(','))) {
      return std::unexpected(
          Error{UsageError::invalid_argument, "alt-svc: '" + std::string{value} + "'"});
    }
    if (services.size() < most_services) services.push_back(std::move(*service));
    if (is_last) return services;
    parser.skip_space();
  }
}

AltSvcCache::AltSvcCache(std::size_t max_origins)
    : max_origins_(std::max<std::size_t>(max_origins, 1)) {}

Result<> AltSvcCache::handle_header(std::string_view host, std::uint16_t port,
                                    std::string_view value, Time now, Duration age) {
  Result<std::vector<AltService>> services = parse_alt_svc(value);
  if (!services) return std::unexpected(services.error());
  for (AltService& service : *services) {
    service.max_age = std::chrono::duration_cast<std::chrono::seconds>(service.max_age - age);
  }
  put({.host = std::string{host}, .port = port, .services = std::move(*services)}, now);
  return {};
}

void AltSvcCache::put(const AltSvcEntry& entry, Time now) {
  const std::string key = key_of(entry.host, entry.port);
  const auto known = origins_.find(key);
  Origin origin{.host = entry.host, .port = entry.port, .services = {}};
  for (const AltService& said : entry.services) {
    const auto left = std::min(said.max_age, longest_age);
    if (left <= Duration{} || origin.services.size() == most_services) continue;
    Entry service{.service = said, .expires = now + left};
    if (service.service.host.empty()) service.service.host = entry.host;
    if (known != origins_.end()) {
      const auto before = std::ranges::find_if(known->second.services, [&](const Entry& old) {
        return is_same_place(old.service, service.service);
      });
      if (before != known->second.services.end()) service.usable_from = before->usable_from;
    }
    origin.services.push_back(std::move(service));
  }
  if (origin.services.empty()) {
    if (known != origins_.end()) origins_.erase(known);
    return;
  }
  if (origins_.size() >= max_origins_ && known == origins_.end()) {
    const auto last_moment = [](const auto& each) {
      return std::ranges::max(each.second.services, {}, &Entry::expires).expires;
    };
    origins_.erase(std::ranges::min_element(origins_, {}, last_moment));
  }
  origins_.insert_or_assign(key, std::move(origin));
}

std::optional<AltService> AltSvcCache::find(std::string_view host, std::uint16_t port,
                                            std::string_view protocol, Time now) const {
  const auto found = origins_.find(key_of(host, port));
  if (found == origins_.end()) return std::nullopt;
  const std::vector<Entry>& services = found->second.services;
  const auto entry = std::ranges::find_if(services, [&](const Entry& each) {
    return each.service.protocol == protocol && now < each.expires && now >= each.usable_from;
  });
  return entry == services.end() ? std::nullopt : std::optional{entry->service};
}

void AltSvcCache::set_aside(std::string_view host, std::uint16_t port, const AltService& service,
                            Time until) {
  const auto found = origins_.find(key_of(host, port));
  if (found == origins_.end()) return;
  for (Entry& entry : found->second.services) {
    if (is_same_place(entry.service, service)) entry.usable_from = until;
  }
}

void AltSvcCache::forget(std::string_view host, std::uint16_t port) {
  origins_.erase(key_of(host, port));
}

void AltSvcCache::handle_network_change() {
  for (auto& [key, origin] : origins_) {
    std::erase_if(origin.services, [](const Entry& entry) { return !entry.service.persist; });
  }
  std::erase_if(origins_, [](const auto& origin) { return origin.second.services.empty(); });
}

std::vector<AltSvcEntry> AltSvcCache::entries(Time now) const {
  std::vector<AltSvcEntry> all;
  for (const auto& [key, origin] : origins_) {
    AltSvcEntry entry{.host = origin.host, .port = origin.port, .services = {}};
    for (const Entry& each : origin.services) {
      if (now >= each.expires) continue;
      entry.services.push_back(each.service);
      entry.services.back().max_age = std::chrono::ceil<std::chrono::seconds>(each.expires - now);
    }
    if (!entry.services.empty()) all.push_back(std::move(entry));
  }
  return all;
}

}  // namespace quoin::inline v0
