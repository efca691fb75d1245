// SPDX-License-Identifier: MIT
/// Pinned public keys: what they add to other trust, what they take the place of, and that a
/// mistake in them lets nobody in.

#include <array>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/error.hpp>
#include <quoin/tls.hpp>

#include "support/certs.hpp"
#include "support/handshake.hpp"

namespace {

using quoin::Error;
using quoin::LocalError;
using quoin::Tls;
using quoin::UsageError;
using quoin::test::Greeter;
using quoin::test::HandshakeOutcome;
using quoin::test::Identity;
using quoin::test::Issuer;
using quoin::test::shake_hands;

using Pins = std::vector<std::string>;

const std::string other_pin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

}  // namespace

TEST_CASE("A pinned key must be the server's, beyond what a certificate must be") {
  const Issuer issuer{"root"};
  const Identity identity = issuer.issue({.alternative_names = "DNS:www.example"});
  const Tls server = Tls::server_from_pem(identity.certificate, identity.key).value();
  const std::string own = server.spki_sha256();

  const auto meet = [&](const Pins& pins, const std::string& name) {
    Tls client = Tls::client_from_pem(issuer.certificate()).value();
    REQUIRE(client.pin(pins));
    return shake_hands(server, client, name);
  };
  CHECK(meet({own}, "www.example").client_connected);
  CHECK(meet({"sha256//" + own}, "www.example").client_connected);
  CHECK(meet({other_pin, own}, "www.example").client_connected);

  const HandshakeOutcome refused = meet({other_pin}, "www.example");
  CHECK_FALSE(refused.client_connected);
  CHECK(refused.client_reason == Error{LocalError::certificate_pin});
  CHECK(refused.client_reason.detail().find(own) != std::string_view::npos);
  CHECK(refused.server_reason == Error{Error::Domain::tls, 42});

  CHECK(meet({own}, "other.example").client_reason == Error{LocalError::certificate_name});
}

TEST_CASE("A pinned key without other trust is enough, whatever the certificate says") {
  const Identity identity =
      quoin::test::self_signed({.alternative_names = "DNS:other.example", .valid_to_days = 0});
  const Tls server = Tls::server_from_pem(identity.certificate, identity.key).value();

  const Tls client = Tls::pinned_client(Pins{server.spki_sha256()}).value();
  const Tls mistaken = Tls::pinned_client(Pins{other_pin}).value();

  CHECK(shake_hands(server, client, "www.example").client_connected);
  CHECK(shake_hands(server, mistaken, "www.example").client_reason ==
        Error{LocalError::certificate_pin});
}

TEST_CASE("Pins hold for a client that otherwise believes everybody") {
  const Tls server = Tls::self_signed().value();
  Tls client = Tls::insecure_client();
  REQUIRE(client.pin(Pins{other_pin}));

  CHECK_FALSE(shake_hands(server, client, "localhost").client_connected);
}

TEST_CASE("Pins that are none are refused by name, and leave no client that trusts everybody") {
  Tls client = Tls::insecure_client();
  const Error invalid{UsageError::invalid_argument};
  for (const std::string& bad :
       {std::string{}, std::string{"sha256//"}, std::string{"AAAA"}, other_pin + "AAAA",
        other_pin.substr(1), "md5//" + other_pin,
        std::string{"not base64, not even close to it 44"}, std::string(44, '=')}) {
    CAPTURE(bad);
    CHECK(client.pin(Pins{bad}).error() == invalid);
    CHECK(Tls::pinned_client(Pins{other_pin, bad}).error() == invalid);
  }
  CHECK(client.pin({}).error() == invalid);
  CHECK(Tls::pinned_client({}).error() == invalid);
  CHECK(client.pin(Pins{"rubbish"}).error().detail().find("rubbish") != std::string_view::npos);
  Tls server = Tls::self_signed().value();
  CHECK(server.pin(Pins{other_pin}).error() == invalid);
}

TEST_CASE("A session of a client with other trust, pins or certificate is not resumed") {
  // What a client without checks brought home must not open the early data of one with checks.
  const Tls server = Tls::self_signed().value();
  quoin::quic::Config config;
  config.early_data = true;
  Greeter greeter{server, config};
  const HandshakeOutcome trusting = greeter.greet(Tls::insecure_client(), "localhost");
  REQUIRE(trusting.resumption);

  const auto come_back = [&](const Tls& client, const std::string& name) {
    return greeter.greet(client, name,
                         {.connect = {.resumption = *trusting.resumption, .early_data = true}});
  };
  CHECK(come_back(Tls::insecure_client(), "localhost").was_early);

  const Tls careful = Tls::client_from_pem(server.certificate_pem()).value();
  const Tls pinned = Tls::pinned_client(Pins{server.spki_sha256()}).value();
  Tls named = Tls::insecure_client();
  const Identity identity = quoin::test::self_signed({.alternative_names = "DNS:me"});
  REQUIRE(named.client_certificate_from_pem(identity.certificate, identity.key));
  for (const Tls& other : {careful, pinned, named}) {
    const HandshakeOutcome outcome = come_back(other, "localhost");
    CHECK(outcome.client_connected);
    CHECK_FALSE(outcome.was_early);
    CHECK_FALSE(outcome.client.resumed);
  }
  CHECK_FALSE(come_back(Tls::insecure_client(), "127.0.0.1").was_early);
}
