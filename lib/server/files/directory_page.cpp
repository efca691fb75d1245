// SPDX-License-Identifier: MIT
/// Writes a directory listing: file names are always text here, never markup.
#include "server/files/directory_page.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <quoin/url.hpp>

#include "http/date.hpp"
#include "server/files/safe_directory.hpp"

namespace quoin::inline v0 {
namespace {

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
        break;
    }
  }
  return out;
}

}  // namespace

std::string directory_page(std::string_view path, const std::vector<DirectoryEntry>& entries) {
  const std::string title = "Index of " + escape(path);
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
      title +
      "</title>\n<style>body{font-family:sans-serif;margin:2em}td{padding:.1em 1em .1em 0}"
      "td+td{text-align:right}</style>\n</head>\n<body>\n<h1>" +
      title + "</h1>\n<table>\n";
  if (path != "/") page += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";
  for (const DirectoryEntry& entry : entries) {
    const std::string_view slash = entry.is_directory ? "/" : "";
    // "./" keeps a name with a colon from being taken for a scheme.
    page += "<tr><td><a href=\"./" + percent_encode(entry.name);
    page += slash;
    page += "\">" + escape(entry.name);
    page += slash;
    page += "</a></td><td>";
    if (!entry.is_directory) page += std::to_string(entry.size);
    page += "</td><td>" + format_http_date(entry.modified) + "</td></tr>\n";
  }
  page += "</table>\n</body>\n</html>\n";
  return page;
}

}  // namespace quoin::inline v0
