// SPDX-License-Identifier: MIT
/// Which URLs are taken, and as what.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/error.hpp>
#include <quoin/url.hpp>

using quoin::Error;
using quoin::percent_decode;
using quoin::percent_encode;
using quoin::Url;
using quoin::UsageError;

#ifdef QUOIN_HAS_IDNA

// RFC 5890, RFC 5891.
TEST_CASE("a host with letters beyond ASCII becomes the name that DNS and certificates have") {
  struct Case {
    const char* written;
    const char* host;  // empty: no such name
  };

  for (const auto& [written, host] :
       {Case{"b\u00fccher.example", "xn--bcher-kva.example"},
        Case{"B\u00dcCHER.Example", "xn--bcher-kva.example"},   // mapped to lower case
        Case{"bu\u0308cher.example", "xn--bcher-kva.example"},  // composed
        Case{"fa\u00df.de", "xn--fa-hia.de"},                   // not "fass": non-transitional
        Case{"\u03b2\u03cc\u03bb\u03bf\u03c2.com", "xn--nxasmm1c.com"},  // final sigma stays
        Case{"\u4f8b\u3048.\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"},
        Case{"\u4f8b\u3002example", "xn--fsq.example"},  // an ideographic full stop
        Case{"xn--bcher-kva.b\u00fccher.example.", "xn--bcher-kva.xn--bcher-kva.example"},
        Case{"\uff11\uff12\uff17.0.0.1", "127.0.0.1"},  // full-width digits
        Case{"\u2764.example", ""},                     // a symbol, which RFC 5892 leaves out
        Case{"a\uff0fb.example", ""},                   // would be a slash
        Case{"a\uff20b.example", ""},                   // would be an at sign
        Case{"\u0301b.example", ""},                    // begins with an accent
        Case{"\ufffd.example", ""},                     // disallowed
        Case{"\u05d0a\u05d1.example", ""},              // both directions
        Case{"b\xfc"
             "cher.example",
             ""}}) {  // no UTF-8
    INFO(written);
    const auto url = Url::parse("https://" + std::string{written} + ":8443/x");
    CHECK((url ? url->host : std::string{}) == host);
    if (url) CHECK(url->port == 8443);
  }
  const std::string long_label(60, 'a');
  CHECK_FALSE(Url::parse("https://" + long_label + "\u00fc\u00fc\u00fc.example/"));
  std::string endless;
  for (int i = 0; i < 2000; ++i) endless += "\u00fc.";
  CHECK_FALSE(Url::parse("https://" + endless + "example/"));
  const auto next = Url::parse("https://a.example/").value().resolve("//b\u00fccher.example/y");
  CHECK(next.value().to_string() == "https://xn--bcher-kva.example/y");
}

#else

TEST_CASE("a host with letters beyond ASCII is refused with what to write instead") {
  const auto refused = quoin::Url::parse("https://b\u00fccher.example/");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail().find("xn--") != std::string_view::npos);
  CHECK(quoin::Url::parse("https://xn--bcher-kva.example/").has_value());
}

#endif

// RFC 9110 §4.2.2.
TEST_CASE("a URL is taken apart into host, port and target") {
  const auto plain = Url::parse("https://Example.org").value();
  CHECK(plain.host == "example.org");
  CHECK(plain.port == 443);
  CHECK(plain.target == "/");
  CHECK_FALSE(plain.host_is_address);
  const auto full = Url::parse("HTTPS://a.example:8443/x/y?q=1#part").value();
  CHECK(full.port == 8443);
  CHECK(full.target == "/x/y?q=1");
  CHECK(full.to_string() == "https://a.example:8443/x/y?q=1");
  CHECK(Url::parse("https://a.example?q").value().target == "/?q");
  CHECK(Url::parse("https://a.example./").value().host == "a.example");
}

TEST_CASE("IP addresses are hosts, IPv6 in brackets") {
  const auto v4 = Url::parse("https://192.0.2.1:1/").value();
  CHECK(v4.host == "192.0.2.1");
  CHECK(v4.host_is_address);
  const auto v6 = Url::parse("https://[2001:DB8::1]:4433/").value();
  CHECK(v6.host == "2001:db8::1");
  CHECK(v6.port == 4433);
  CHECK(v6.authority() == "[2001:db8::1]:4433");
  CHECK(Url::parse("https://[::1]/").value().authority() == "[::1]");
}

// RFC 3986 §3.3, §3.4.
TEST_CASE("what must not be in a target is percent-encoded, what is encoded stays") {
  CHECK(Url::parse("https://a.example/a b%20c/\"ü\r\n").value().target ==
        "/a%20b%20c/%22%C3%BC%0D%0A");
}

// RFC 1123 §2.1.
TEST_CASE("odd URLs are refused with their text") {
  for (const std::string text : {"",
                                 "a.example",
                                 "http://a.example/",
                                 "ftp://a.example/",
                                 "https://",
                                 "https:///path",
                                 "https://user@a.example/",
                                 "https://user:pw@a.example/",
                                 "https://a.example:0/",
                                 "https://a.example:65536/",
                                 "https://a.example:4x/",
                                 "https://[::1/",
                                 "https://[1.2.3.4]/",
                                 "https://::1/",
                                 "https://1.2.3/",
                                 "https://a..example/",
                                 "https://a b/",
                                 "https://-\n-/",
                                 "https://a.example\\@b.example/",
                                 "https://a%2eexample/"}) {
    INFO(text);
    const auto url = Url::parse(text);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error() == Error{UsageError::invalid_argument});
    CHECK(url.error().detail().starts_with("URL "));
  }
}

// RFC 3986 §2.3.
TEST_CASE("percent-encoding goes both ways and refuses what is none") {
  CHECK(percent_decode("a%2Fb%00c") == std::string("a/b\0c", 5));
  CHECK_FALSE(percent_decode("%").has_value());
  CHECK_FALSE(percent_decode("%2").has_value());
  CHECK_FALSE(percent_decode("%2x").has_value());
  CHECK(percent_encode("a/b c~ü") == "a%2Fb%20c~%C3%BC");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(percent_decode(percent_encode(all)) == all);
}

// RFC 3986 §5.2.
TEST_CASE("references are resolved as RFC 3986 §5.4 says") {
  const Url base = Url::parse("https://a/b/c/d;p?q").value();
  const std::vector<std::pair<std::string, std::string>> cases{
      {"https://g", "https://g/"},
      {"g", "https://a/b/c/g"},
      {"./g", "https://a/b/c/g"},
      {"g/", "https://a/b/c/g/"},
      {"/g", "https://a/g"},
      {"//g", "https://g/"},
      {"?y", "https://a/b/c/d;p?y"},
      {"g?y", "https://a/b/c/g?y"},
      {"#s", "https://a/b/c/d;p?q"},
      {"g#s", "https://a/b/c/g"},
      {"g?y#s", "https://a/b/c/g?y"},
      {";x", "https://a/b/c/;x"},
      {"g;x?y#s", "https://a/b/c/g;x?y"},
      {"", "https://a/b/c/d;p?q"},
      {".", "https://a/b/c/"},
      {"./", "https://a/b/c/"},
      {"..", "https://a/b/"},
      {"../", "https://a/b/"},
      {"../g", "https://a/b/g"},
      {"../..", "https://a/"},
      {"../../g", "https://a/g"},
      {"../../../g", "https://a/g"},
      {"../../../../g", "https://a/g"},
      {"/./g", "https://a/g"},
      {"/../g", "https://a/g"},
      {"g.", "https://a/b/c/g."},
      {".g", "https://a/b/c/.g"},
      {"..g", "https://a/b/c/..g"},
      {"./../g", "https://a/b/g"},
      {"./g/.", "https://a/b/c/g/"},
      {"g/./h", "https://a/b/c/g/h"},
      {"g/../h", "https://a/b/c/h"},
      {"g;x=1/./y", "https://a/b/c/g;x=1/y"},
      {"g;x=1/../y", "https://a/b/c/y"},
      {"g?y/./x", "https://a/b/c/g?y/./x"},
      {"g?y/../x", "https://a/b/c/g?y/../x"},
      {"HTTPS://B:444/../x?z", "https://b:444/x?z"},
  };
  for (const auto& [reference, expected] : cases) {
    INFO(reference);
    const auto url = base.resolve(reference);
    REQUIRE(url.has_value());
    CHECK(url->to_string() == expected);
  }
  for (const std::string reference : {"http://g", "g:h", "mailto:a@b", "//", "//user@g/"}) {
    INFO(reference);
    CHECK_FALSE(base.resolve(reference).has_value());
  }
}
