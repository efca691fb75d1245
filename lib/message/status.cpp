// SPDX-License-Identifier: MIT
/// Reading a status, and the texts for one.
#include "message/status.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/headers.hpp>

namespace quoin::inline v0 {

int status_of(const Headers& headers) noexcept {
  const std::string_view text = headers.get(":status").value_or("");
  int code = 0;
  std::from_chars(text.data(), text.data() + text.size(), code);
  return code;
}

std::string_view reason_phrase(int code) noexcept {
  using Phrase = std::pair<int, std::string_view>;
  static constexpr std::array phrases{
      Phrase{status::moved_permanently, "Moved Permanently"},
      Phrase{status::bad_request, "Bad Request"},
      Phrase{status::forbidden, "Forbidden"},
      Phrase{status::not_found, "Not Found"},
      Phrase{status::method_not_allowed, "Method Not Allowed"},
      Phrase{status::request_timeout, "Request Timeout"},
      Phrase{status::precondition_failed, "Precondition Failed"},
      Phrase{status::range_not_satisfiable, "Range Not Satisfiable"},
      Phrase{status::misdirected_request, "Misdirected Request"},
      Phrase{status::too_early, "Too Early"},
      Phrase{status::internal_server_error, "Internal Server Error"},
      Phrase{status::service_unavailable, "Service Unavailable"},
  };
  const auto* const found = std::ranges::find(phrases, code, &Phrase::first);
  return found == phrases.end() ? std::string_view{} : found->second;
}

std::string status_line(int code) {
  std::string line = std::to_string(code);
  if (const std::string_view phrase = reason_phrase(code); !phrase.empty()) {
    line += ' ';
    line += phrase;
  }
  return line + '\n';
}

bool expects_continue(const Headers& request) noexcept {
  constexpr std::string_view wanted = "100-continue";
  const auto value = request.get("expect");
  return value && std::ranges::equal(*value, wanted, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

}  // namespace quoin::inline v0
