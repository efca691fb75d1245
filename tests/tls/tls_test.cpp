// SPDX-License-Identifier: MIT
/// Whom a client believes, and what a server refuses to start with (S1).

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/error.hpp>
#include <quoin/tls.hpp>

#include "support/certs.hpp"
#include "support/handshake.hpp"

namespace {

using quoin::Error;
using quoin::LocalError;
using quoin::Tls;
using quoin::test::Identity;
using quoin::test::Issuer;
using quoin::test::shake_hands;
using Outcome = quoin::test::HandshakeOutcome;

struct Case {
  std::string asked_for;
  std::string names;
  bool accepted;
};

}  // namespace

// RFC 9525 §6.3.
TEST_CASE("A certificate is for the names and addresses in its subjectAltName, and no others") {
  const auto test = GENERATE(
      Case{"www.example", "DNS:www.example", true}, Case{"WWW.example", "DNS:www.EXAMPLE", true},
      Case{"b.example", "DNS:a.example,DNS:b.example", true},
      Case{"www.example", "DNS:example", false}, Case{"example", "DNS:www.example", false},
      Case{"www.example.org", "DNS:*.example.org", true},
      Case{"a.www.example.org", "DNS:*.example.org", false},
      Case{"example.org", "DNS:*.example.org", false},
      Case{"www.example.org", "DNS:w*.example.org", false}, Case{"192.0.2.1", "IP:192.0.2.1", true},
      Case{"192.0.2.1", "IP:192.0.2.2", false}, Case{"192.0.2.1", "DNS:192.0.2.1", false},
      Case{"2001:db8::1", "IP:2001:db8::1", true}, Case{"2001:db8::1", "IP:2001:db8::2", false},
      Case{"xn--bcher-kva.example.org", "DNS:xn--bcher-kva.example.org", true},
      Case{"xn--bcher-kva.example.org", "DNS:*.example.org", true},
      Case{"xn--bcher-kva.example.org", "DNS:xn--*.example.org", false},
      Case{"a.b.example.org", "DNS:a.*.example.org", false}, Case{"www.example", "", false});
  CAPTURE(test.asked_for, test.names);
  const Issuer issuer{"root"};
  // The common name matches every time: it must not matter.
  const Identity identity =
      issuer.issue({.common_name = test.asked_for, .alternative_names = test.names});
  const auto server = Tls::server_from_pem(identity.certificate, identity.key);
  const auto client = Tls::client_from_pem(issuer.certificate());
  REQUIRE(server);
  REQUIRE(client);

  const Outcome outcome = shake_hands(*server, *client, test.asked_for);

  CHECK(outcome.client_connected == test.accepted);
  CHECK(outcome.server_connected == test.accepted);
  if (!test.accepted) {
    CHECK(outcome.client_reason == Error{LocalError::certificate_name});
    CHECK(outcome.client_reason.detail().find(test.asked_for) != std::string_view::npos);
    CHECK(outcome.server_reason == Error{Error::Domain::tls, 42});
  }
}

TEST_CASE("An expired certificate is refused with the time of its end") {
  const Issuer issuer{"root"};
  const Identity identity = issuer.issue(
      {.alternative_names = "DNS:www.example", .valid_from_days = -30, .valid_to_days = -1});

  const Outcome outcome =
      shake_hands(Tls::server_from_pem(identity.certificate, identity.key).value(),
                  Tls::client_from_pem(issuer.certificate()).value(), "www.example");

  CHECK(outcome.client_reason == Error{LocalError::certificate_expired});
  CHECK(outcome.client_reason.detail().find("expired at 20") != std::string_view::npos);
  CHECK(outcome.server_reason == Error{Error::Domain::tls, 45});
}

TEST_CASE("A certificate that is not valid yet is refused") {
  const Issuer issuer{"root"};
  const Identity identity =
      issuer.issue({.alternative_names = "DNS:www.example", .valid_from_days = 2});

  const Outcome outcome =
      shake_hands(Tls::server_from_pem(identity.certificate, identity.key).value(),
                  Tls::client_from_pem(issuer.certificate()).value(), "www.example");

  CHECK(outcome.client_reason == Error{LocalError::certificate_expired});
  CHECK(outcome.client_reason.detail().find("not valid before") != std::string_view::npos);
}

TEST_CASE("A certificate of an unknown issuer is refused and the issuer is named") {
  const Issuer issuer{"a stranger"};
  const Issuer trusted{"root"};
  const Identity identity = issuer.issue({.alternative_names = "DNS:www.example"});

  const Outcome outcome =
      shake_hands(Tls::server_from_pem(identity.certificate, identity.key).value(),
                  Tls::client_from_pem(trusted.certificate()).value(), "www.example");

  CHECK_FALSE(outcome.client_connected);
  CHECK(outcome.client_reason == Error{LocalError::certificate_untrusted});
  CHECK(outcome.client_reason.detail().find("a stranger") != std::string_view::npos);
  CHECK(outcome.server_reason == Error{Error::Domain::tls, 48});
}

TEST_CASE("A certificate for clients does not make a server") {
  const Issuer issuer{"root"};
  const Identity identity =
      issuer.issue({.alternative_names = "DNS:www.example", .extended_usage = "clientAuth"});

  const Outcome outcome =
      shake_hands(Tls::server_from_pem(identity.certificate, identity.key).value(),
                  Tls::client_from_pem(issuer.certificate()).value(), "www.example");

  CHECK(outcome.client_reason == Error{LocalError::certificate_invalid});
}

TEST_CASE("A chain through an intermediate issuer is accepted if the server sends it") {
  const Issuer issuer{"root"};
  const Identity middle = issuer.issue({.common_name = "middle", .is_issuer = true});
  const Identity identity =
      quoin::test::signed_by(middle, {.alternative_names = "DNS:www.example"});
  const Tls client = Tls::client_from_pem(issuer.certificate()).value();

  const Outcome with = shake_hands(
      Tls::server_from_pem(identity.certificate + middle.certificate, identity.key).value(), client,
      "www.example");
  const Outcome without = shake_hands(
      Tls::server_from_pem(identity.certificate, identity.key).value(), client, "www.example");

  CHECK(with.client_connected);
  CHECK(without.client_reason == Error{LocalError::certificate_untrusted});
}

TEST_CASE("A self-signed certificate is believed by who was given it, and by nobody else") {
  const Tls server = Tls::self_signed().value();
  const Tls informed = Tls::client_from_pem(server.certificate_pem()).value();
  const Tls other = Tls::client_from_pem(Tls::self_signed()->certificate_pem()).value();

  CHECK(shake_hands(server, informed, "localhost").client_connected);
  CHECK(shake_hands(server, informed, "127.0.0.1").client_connected);
  CHECK(shake_hands(server, informed, "::1").client_connected);
  CHECK(shake_hands(server, other, "localhost").client_reason ==
        Error{LocalError::certificate_untrusted});
}

TEST_CASE("Only a client that says so believes everybody") {
  const Tls server = Tls::self_signed().value();

  CHECK(shake_hands(server, Tls::insecure_client(), "elsewhere.example").client_connected);
}

// RFC 7301 §3.2, RFC 9001 §4.8.
TEST_CASE("A server without a common application protocol ends the handshake with that alert") {
  const Tls server = Tls::self_signed().value();
  const Tls client = Tls::client_from_pem(server.certificate_pem()).value();

  const Outcome outcome = shake_hands(server, client, "localhost", {.server_alpn = {"other"}});

  CHECK_FALSE(outcome.client_connected);
  CHECK(outcome.client_reason == Error{Error::Domain::tls, 120});
  CHECK(outcome.server_reason == Error{Error::Domain::tls, 120});
}

TEST_CASE("A connection on a cipher suite that was not asked for fails") {
  const Tls server = Tls::self_signed().value();
  Tls client = Tls::client_from_pem(server.certificate_pem()).value();

  REQUIRE(client.set_ciphers("TLS_AES_256_GCM_SHA384"));
  CHECK_FALSE(client.set_ciphers("TLS_AES_256_GCM_SHA384:TLS_NULL"));
  const Outcome outcome = shake_hands(server, client, "localhost");

  // BoringSSL prefers another suite and cannot be told otherwise; what counts is that the wish is
  // not ignored in silence.
  CHECK(outcome.client_reason == Error{Error::Domain::tls, 71});
}

TEST_CASE("What a server cannot use is refused with its name") {
  const Issuer issuer{"root"};
  const Identity one = issuer.issue({.alternative_names = "DNS:one.example"});
  const Identity two = issuer.issue({.alternative_names = "DNS:two.example"});

  CHECK(Tls::server_from_pem(one.certificate, two.key).error().detail() ==
        "the private key does not match the certificate");
  CHECK_FALSE(Tls::server_from_pem("", one.key));
  CHECK_FALSE(Tls::server_from_pem(one.certificate, "no key"));
  CHECK_FALSE(Tls::server_from_pem("-----BEGIN CERTIFICATE-----\nrubbish", one.key));

  const auto missing = Tls::server("/nonexistent/chain.pem", "/nonexistent/key.pem");
  REQUIRE_FALSE(missing);
  CHECK(missing.error() == Error{Error::Domain::system, ENOENT});
  CHECK(missing.error().detail().find("/nonexistent/chain.pem") != std::string_view::npos);
  CHECK(Tls::server("/", "/").error().domain() == Error::Domain::system);
}

TEST_CASE("Trust fails closed") {
  CHECK_FALSE(Tls::client_from_pem(""));
  CHECK_FALSE(Tls::client_from_pem("not a certificate"));
  CHECK_FALSE(Tls::client("/nonexistent/anchors.pem"));
  CHECK_FALSE(Tls::client("/dev/null"));
}

TEST_CASE("A trust file of the environment that cannot be used is nobody's trust") {
  const Tls server = Tls::self_signed().value();
  REQUIRE(setenv("SSL_CERT_FILE", "/nonexistent/anchors.pem", 1) ==
          0);  // NOLINT(concurrency-mt-unsafe)
  const Tls client = Tls::client();
  REQUIRE(unsetenv("SSL_CERT_FILE") == 0);  // NOLINT(concurrency-mt-unsafe)

  const Outcome outcome = shake_hands(server, client, "localhost");

  CHECK_FALSE(outcome.client_connected);
  CHECK(outcome.client_reason == Error{LocalError::certificate_untrusted});
}

TEST_CASE("The key log gets the secrets of both sides") {
  Tls server = Tls::self_signed().value();
  Tls client = Tls::client_from_pem(server.certificate_pem()).value();
  std::vector<std::string> lines;
  client.set_key_log([&lines](std::string_view line) { lines.emplace_back(line); });

  REQUIRE(shake_hands(server, client, "localhost").client_connected);

  for (const char* label : {"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
                            "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "}) {
    CAPTURE(label);
    CHECK(std::ranges::any_of(
        lines, [label](const std::string& line) { return line.starts_with(label); }));
  }
}

TEST_CASE("Self-signed certificates refuse names that are none") {
  const std::array<std::string, 1> bad{"not a name,DNS:evil.example"};
  CHECK_FALSE(Tls::self_signed(bad));
  CHECK_FALSE(Tls::self_signed({}));
}
