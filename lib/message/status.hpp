// SPDX-License-Identifier: MIT
/// Status codes by the names that RFC 9110 §15 gives them, and shared helpers. Not public.
#pragma once

#include <string>
#include <string_view>

#include <quoin/headers.hpp>

namespace quoin::inline v0 {

namespace status {

inline constexpr int go_on = 100;  ///< "Continue" (RFC 9110 §15.2.1), a keyword in C++
inline constexpr int switching_protocols = 101;
inline constexpr int first_final = 200;
inline constexpr int ok = 200;
inline constexpr int no_content = 204;
inline constexpr int reset_content = 205;
inline constexpr int partial_content = 206;
inline constexpr int first_redirection = 300;
inline constexpr int moved_permanently = 301;
inline constexpr int not_modified = 304;
inline constexpr int bad_request = 400;
inline constexpr int forbidden = 403;
inline constexpr int not_found = 404;
inline constexpr int method_not_allowed = 405;
inline constexpr int request_timeout = 408;
inline constexpr int precondition_failed = 412;
inline constexpr int range_not_satisfiable = 416;
inline constexpr int expectation_failed = 417;
inline constexpr int misdirected_request = 421;
inline constexpr int too_early = 425;  ///< RFC 8470 §5.2
inline constexpr int internal_server_error = 500;
inline constexpr int not_implemented = 501;
inline constexpr int service_unavailable = 503;
inline constexpr int last = 599;

}  // namespace status

/// The value of `:status`, 0 if there is none.
[[nodiscard]] int status_of(const Headers& headers) noexcept;

/// 204, 205 and 304 have no content, whatever the method (RFC 9110 §6.4.1, §15.3.6).
[[nodiscard]] constexpr bool has_no_content(int code) noexcept {
  return code == status::no_content || code == status::reset_content ||
         code == status::not_modified;
}

/// "Not Found" for 404; empty for codes that the library itself never uses.
[[nodiscard]] std::string_view reason_phrase(int code) noexcept;
/// "404 Not Found" and a line break, the default text of responses; only the number if there is no
/// phrase.
[[nodiscard]] std::string status_line(int code);

/// The client waits with the body of this request until told to go on (RFC 9110 §10.1.1).
[[nodiscard]] bool expects_continue(const Headers& request) noexcept;

}  // namespace quoin::inline v0
