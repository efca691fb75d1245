// SPDX-License-Identifier: MIT
/// Conditional requests, ranges and the dates in them.
#include "server/files/conditions.hpp"

#include <cstdint>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/headers.hpp>

#include "http/date.hpp"
#include "server/files/content_types.hpp"

using quoin::content_type_of;
using quoin::format_http_date;
using quoin::Headers;
using quoin::parse_http_date;
using quoin::Representation;
using quoin::select;
using quoin::Selection;

namespace {

constexpr std::int64_t modified = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
const Representation file{.etag = "\"abc\"", .modified = modified, .size = 1000};

int status_of(const Headers& headers, bool is_get = true) {
  return select(file, headers, is_get).status;
}

std::string range_of(std::string_view range, std::uint64_t size = 1000) {
  const Selection selection =
      select({.etag = "\"abc\"", .modified = modified, .size = size}, {{"range", range}}, true);
  return std::to_string(selection.status) + ' ' + std::to_string(selection.offset) + '+' +
         std::to_string(selection.size);
}

}  // namespace

// RFC 9110 §5.6.7.
TEST_CASE("dates are written in one form and read in three") {
  CHECK(format_http_date(modified) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(format_http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == modified);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == modified);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == modified);
  for (const char* text :
       {"", "x", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 99999999999 08:49:37 GMT", "1 2 3 4 5"}) {
    INFO(text);
    CHECK_FALSE(parse_http_date(text).has_value());
  }
}

// RFC 9110 §8.8.3.2, §13.1.
TEST_CASE("an entity tag that the client has makes a 304, one that it must have a 412") {
  CHECK(status_of({}) == 200);
  CHECK(status_of({{"if-none-match", "\"abc\""}}) == 304);
  CHECK(status_of({{"if-none-match", "W/\"abc\""}}) == 304);
  CHECK(status_of({{"if-none-match", "\"x\" , \"a,b\",\"abc\""}}) == 304);
  CHECK(status_of({{"if-none-match", "\"x\""}, {"if-none-match", "\"abc\""}}) == 304);
  CHECK(status_of({{"if-none-match", "*"}}) == 304);
  CHECK(status_of({{"if-none-match", "abc"}}) == 200);
  CHECK(status_of({{"if-none-match", "\"ab"}}) == 200);
  CHECK(status_of({{"if-match", "\"abc\""}}) == 200);
  CHECK(status_of({{"if-match", "W/\"abc\""}}) == 412);
  CHECK(status_of({{"if-match", "\"x\""}}) == 412);
}

// RFC 9110 §13.2.2.
TEST_CASE("dates count where no entity tag is given") {
  const std::string same = format_http_date(modified);
  const std::string before = format_http_date(modified - 1);
  CHECK(status_of({{"if-modified-since", same}}) == 304);
  CHECK(status_of({{"if-modified-since", before}}) == 200);
  CHECK(status_of({{"if-modified-since", "soon"}}) == 200);
  CHECK(status_of({{"if-modified-since", same}, {"if-none-match", "\"x\""}}) == 200);
  CHECK(status_of({{"if-unmodified-since", same}}) == 200);
  CHECK(status_of({{"if-unmodified-since", before}}) == 412);
}

// RFC 9110 §14.2.
TEST_CASE("ranges are cut to what there is") {
  CHECK(range_of("bytes=0-0") == "206 0+1");
  CHECK(range_of("bytes=10-19") == "206 10+10");
  CHECK(range_of("bytes=990-2000") == "206 990+10");
  CHECK(range_of("bytes=990-99999999999999999999999") == "206 990+10");
  CHECK(range_of("bytes=-10") == "206 990+10");
  CHECK(range_of("bytes=-2000") == "206 0+1000");
  CHECK(range_of("bytes=5-") == "206 5+995");
  CHECK(range_of("bytes=1000-") == "416 0+0");
  CHECK(range_of("bytes=-0") == "416 0+0");
  CHECK(range_of("bytes=0-", 0) == "416 0+0");
}

TEST_CASE("what is no single range is answered with everything") {
  for (const char* range : {"bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=1-2,4-5",
                            "lines=1-2", "bytes 1-2", "bytes=1", "bytes=1-2x"}) {
    INFO(range);
    CHECK(range_of(range) == "200 0+1000");
  }
  CHECK(status_of({{"range", "bytes=0-1"}}, false) == 200);
}

// RFC 9110 §13.1.5.
TEST_CASE("a range counts only for the representation that the client has a part of") {
  CHECK(status_of({{"range", "bytes=0-1"}, {"if-range", "\"abc\""}}) == 206);
  CHECK(status_of({{"range", "bytes=0-1"}, {"if-range", "W/\"abc\""}}) == 200);
  CHECK(status_of({{"range", "bytes=0-1"}, {"if-range", format_http_date(modified)}}) == 206);
  CHECK(status_of({{"range", "bytes=0-1"}, {"if-range", format_http_date(modified + 1)}}) == 200);
}

TEST_CASE("types follow the extension in any case") {
  CHECK(content_type_of("a.HTML") == "text/html; charset=utf-8");
  CHECK(content_type_of("x.tar.gz") == "application/gzip");
  CHECK(content_type_of("font.woff2") == "font/woff2");
  CHECK(content_type_of("README").empty());
  CHECK(content_type_of(".bashrc").empty());
  CHECK(content_type_of("a.").empty());
  CHECK(content_type_of("a.averyveryverylongextension").empty());
}
