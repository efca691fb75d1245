// SPDX-License-Identifier: MIT
/// From options to a list of transfers: which URL, how, with what, to where. Opens nothing but
/// the files of -d.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/headers.hpp>
#include <quoin/url.hpp>

#include "common/failure.hpp"
#include "quoin-client/options.hpp"

namespace quoin::tools {

/// One URL and all that is needed to transfer it.
struct PlannedTransfer {
  Url url;
  std::string method;
  Headers headers;
  std::optional<SharedBytes> data;    ///< -d
  std::optional<std::string> upload;  ///< -T, "-" being standard input
  std::string output;                 ///< a file; "-" being standard output

  [[nodiscard]] bool sends_body() const noexcept { return data.has_value() || upload.has_value(); }
};

/// An address that the user gave for a host.
struct PinnedAddress {
  std::string host;  ///< as in Url::host
  Address address;   ///< with the port
};

/// "host:port": transfers with the same one share a connection.
[[nodiscard]] std::string origin(const Url& url);

/// Reads a URL. Failures: ClientExit::not_https for another scheme, else ClientExit::malformed_url.
[[nodiscard]] Expected<Url> parse_url(std::string_view text);
/// The file name in the last part of a URL's path, as it is written there: it has no slash and is
/// not decoded, so it cannot lead anywhere else. Failure: there is none, or it is "." or "..".
[[nodiscard]] Expected<std::string> remote_name(const Url& url);
/// Reads HOST:PORT:ADDR.
[[nodiscard]] Expected<PinnedAddress> parse_resolve(std::string_view text);

/// All transfers in the order of the URLs. Fails on anything that would fail later for sure.
[[nodiscard]] Expected<std::vector<PlannedTransfer>> make_plan(const ClientOptions& options);

}  // namespace quoin::tools
