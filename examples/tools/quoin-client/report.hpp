// SPDX-License-Identifier: MIT
/// Text for the user of quoin-client: what failed and what to try, the lines of --verbose and
/// --timing. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <quoin/address.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/path.hpp>
#include <quoin/time.hpp>
#include <quoin/url.hpp>

#include "common/failure.hpp"

namespace quoin::tools {

/// What is known about a transfer that failed.
struct FailedTransfer {
  Url url;
  Duration elapsed{};        ///< since it was begun
  Duration max_time{};       ///< zero: no limit
  bool reply_begun = false;  ///< headers of the reply have been received
  std::uint64_t bytes = 0;   ///< of the body that were received
};

/// The exit code, and a sentence that says which URL, host and port, why, after how long, and what
/// to try.
[[nodiscard]] Failure explain(const Error& error, const FailedTransfer& transfer);
/// The same for a status of 400 or more with --fail.
[[nodiscard]] Failure explain_status(int status, const Url& url);
/// The same for a redirect with -L that leads where it cannot be followed.
[[nodiscard]] Failure explain_redirect(std::string_view location, const Url& url);

/// "HTTP/3 200\r\nname: value\r\n\r\n", without the pseudo-headers; for -i.
[[nodiscard]] std::string header_block(int status, const Headers& headers);
/// The same with a prefix before each line and plain line ends; for -v.
[[nodiscard]] std::string shown_reply(int status, const Headers& headers);
/// "> GET /path HTTP/3" and the headers; for -v.
[[nodiscard]] std::string shown_request(std::string_view method, const Url& url,
                                        const Headers& headers);
/// The handshake, certificate and path; for -v.
[[nodiscard]] std::string shown_connection(const ConnectionInfo& info);

/// What happened to a connection's path, without a line end; for -v.
[[nodiscard]] std::string shown_path_event(const quic::PathEvent& event);

/// The line of --timing. `bytes` counts the body of the reply, or of the request if that has none.
[[nodiscard]] std::string timing_line(const Url& url, const Timing& timing, std::uint64_t bytes,
                                      const ConnectionInfo& connection);

}  // namespace quoin::tools
