// SPDX-License-Identifier: MIT
/// The text of responses that nobody wrote a text for. Not public.
#pragma once

#include <string>

namespace quoin::inline v0 {

/// "404 Not Found" and a line break; only the number for codes that the library never uses.
[[nodiscard]] inline std::string status_line(int status) {
  std::string line = std::to_string(status);
  switch (status) {
    case 301:
      line += " Moved Permanently";
      break;
    case 400:
      line += " Bad Request";
      break;
    case 403:
      line += " Forbidden";
      break;
    case 404:
      line += " Not Found";
      break;
    case 405:
      line += " Method Not Allowed";
      break;
    case 412:
      line += " Precondition Failed";
      break;
    case 416:
      line += " Range Not Satisfiable";
      break;
    case 421:
      line += " Misdirected Request";
      break;
    case 425:
      line += " Too Early";
      break;
    case 500:
      line += " Internal Server Error";
      break;
    case 503:
      line += " Service Unavailable";
      break;
    default:
      break;
  }
  return line + '\n';
}

}  // namespace quoin::inline v0
