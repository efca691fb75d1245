// SPDX-License-Identifier: MIT
/// See alt_svc_file.hpp.
#include "quoin-client/alt_svc_file.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <expected>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/alt_svc.hpp>

#include "common/failure.hpp"
#include "quoin-client/exit_code.hpp"
#include "quoin-client/sessions.hpp"

namespace quoin::tools {

namespace {

using Clock = std::chrono::system_clock;

std::string with_brackets(const std::string& host) {
  return host.contains(':') ? '[' + host + ']' : host;
}

std::string without_brackets(const std::string& host) {
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

/// "20261125 17:00:00", in UTC.
std::optional<Clock::time_point> moment_of(const std::string& text) {
  std::tm parts{};
  const char* const end = ::strptime(text.c_str(), "%Y%m%d %H:%M:%S", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return Clock::from_time_t(::timegm(&parts));
}

std::string text_of(Clock::time_point moment) {
  const std::time_t seconds = Clock::to_time_t(moment);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%d %H:%M:%S", &parts);
  return {text.data(), size};
}

/// Origin, service and quoted moment, from "h2 HOST PORT h3 HOST PORT "MOMENT" PERSIST PRIORITY".
bool read_line(const std::string& line, AltSvcEntry& origin, Clock::time_point now) {
  std::istringstream words{line};
  AltService service;
  std::string origin_protocol;
  std::string day;
  std::string time;
  int persist = 0;
  int priority = 0;
  words >> origin_protocol >> origin.host >> origin.port >> service.protocol >> service.host >>
      service.port >> day >> time >> persist >> priority;
  if (!words || !day.starts_with('"') || !time.ends_with('"') || origin.port == 0 ||
      service.port == 0) {
    return false;
  }
  const auto moment = moment_of(day.substr(1) + ' ' + time.substr(0, time.size() - 1));
  if (!moment) return false;
  origin.host = without_brackets(origin.host);
  service.host = without_brackets(service.host);
  service.max_age = std::chrono::duration_cast<std::chrono::seconds>(*moment - now);
  service.persist = persist == 1;
  origin.services = {std::move(service)};
  return true;
}

}  // namespace

Expected<std::vector<AltSvcEntry>> parse_alt_svc_file(std::string_view text,
                                                      Clock::time_point now) {
  std::vector<AltSvcEntry> all;
  std::istringstream lines{std::string{text}};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.empty() || line.starts_with('#')) continue;
    AltSvcEntry entry;
    if (!read_line(line, entry, now)) {
      return std::unexpected(
          Failure{.exit_code = tools::number(ClientExit::read_error),
                  .message = "line " + std::to_string(number) + " is not an alternative service"});
    }
    if (entry.services.front().max_age <= std::chrono::seconds{0}) continue;
    const auto known = std::ranges::find_if(all, [&](const AltSvcEntry& other) {
      return other.host == entry.host && other.port == entry.port;
    });
    if (known == all.end()) {
      all.push_back(std::move(entry));
    } else {
      known->services.push_back(std::move(entry.services.front()));
    }
  }
  return all;
}

std::string alt_svc_file_text(const std::vector<AltSvcEntry>& entries, Clock::time_point now) {
  std::ostringstream out;
  out << "# Alternative services, in curl's format (--alt-svc)\n";
  for (const AltSvcEntry& origin : entries) {
    for (const AltService& service : origin.services) {
      // As if learnt by HTTP/1.1: curl follows none from origins it knows by HTTP/3.
      out << "h1 " << with_brackets(origin.host) << ' ' << origin.port << ' ' << service.protocol
          << ' ' << with_brackets(service.host) << ' ' << service.port << " \""
          << text_of(now + service.max_age) << "\" " << (service.persist ? 1 : 0) << " 0\n";
    }
  }
  return out.str();
}

Expected<std::vector<AltSvcEntry>> kept_alternatives(const std::string& file) {
  if (file.empty()) return {};
  const Expected<std::string> text = read_kept("--alt-svc", file);
  if (!text) return std::unexpected(text.error());
  auto read = parse_alt_svc_file(*text, Clock::now());
  if (!read) return unusable_kept("--alt-svc", file, read.error().message);
  return read;
}

Expected<> keep_alternatives(const std::string& file, const std::vector<AltSvcEntry>& entries) {
  return file.empty() ? Expected<>{}
                      : write_kept("--alt-svc", file, alt_svc_file_text(entries, Clock::now()));
}

}  // namespace quoin::tools
