// SPDX-License-Identifier: MIT
/// Several certificates on one server, and certificates of clients: who is shown what, who is let
/// in, and what a ticket is good for.

#include <array>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/error.hpp>
#include <quoin/tls.hpp>

#include "support/certs.hpp"
#include "support/handshake.hpp"

namespace {

using quoin::ClientAuth;
using quoin::Error;
using quoin::LocalError;
using quoin::Tls;
using quoin::UsageError;
using quoin::test::Greeter;
using quoin::test::HandshakeOutcome;
using quoin::test::Identity;
using quoin::test::Issuer;
using quoin::test::shake_hands;

/// A server whose certificate is for `names`.
Tls server_for(const Issuer& issuer, const std::string& names) {
  const Identity identity = issuer.issue({.alternative_names = names});
  return Tls::server_from_pem(identity.certificate, identity.key).value();
}

Tls client_of(const Issuer& issuer) { return Tls::client_from_pem(issuer.certificate()).value(); }

/// A client with a certificate that `clients` issued for `names`.
Tls client_with(const Issuer& issuer, const Issuer& clients, const std::string& names,
                const std::string& usage = "clientAuth") {
  const Identity identity = clients.issue({.alternative_names = names, .extended_usage = usage});
  Tls tls = client_of(issuer);
  REQUIRE(tls.client_certificate_from_pem(identity.certificate, identity.key));
  return tls;
}

}  // namespace

// RFC 6066 §3.
TEST_CASE("A client is shown the certificate for the name it asks for") {
  const Issuer issuer{"root"};
  Tls server = server_for(issuer, "DNS:default.example,IP:192.0.2.1");
  const Tls exact = server_for(issuer, "DNS:www.example.org");
  const Tls wildcard = server_for(issuer, "DNS:*.example.org,DNS:EXAMPLE.net");
  REQUIRE(server.add_host(wildcard));
  REQUIRE(server.add_host(exact));
  Greeter greeter{server};
  const Tls client = client_of(issuer);

  const auto shown = [&](const std::string& name) {
    const HandshakeOutcome outcome = greeter.greet(client, name);
    return outcome.client_connected ? outcome.client.certificate_sha256
                                    : std::string{outcome.client_reason.name()};
  };
  CHECK(shown("www.example.org") == exact.certificate_sha256());
  CHECK(shown("WWW.Example.ORG") == exact.certificate_sha256());
  CHECK(shown("other.example.org") == wildcard.certificate_sha256());
  CHECK(shown("example.net") == wildcard.certificate_sha256());
  CHECK(shown("default.example") == server.certificate_sha256());
  CHECK(shown("192.0.2.1") == server.certificate_sha256());
  // The default one, which is not for these.
  CHECK(shown("a.b.example.org") == "CERTIFICATE_NAME");
  CHECK(shown("elsewhere.example") == "CERTIFICATE_NAME");
  CHECK(server.names() == std::vector<std::string>{"DNS:default.example", "IP:192.0.2.1",
                                                   "DNS:*.example.org", "DNS:EXAMPLE.net",
                                                   "DNS:www.example.org"});
}

TEST_CASE("A strict server refuses names that it has no certificate for") {
  const Issuer issuer{"root"};
  Tls server = server_for(issuer, "DNS:default.example,IP:192.0.2.1");
  server.set_strict_hosts(true);
  const Tls client = client_of(issuer);

  const HandshakeOutcome refused = shake_hands(server, client, "elsewhere.example");

  CHECK(refused.client_reason == Error{Error::Domain::tls, 112});
  CHECK(refused.server_reason.message() ==
        "TLS alert unrecognized_name: no certificate for the name asked for, elsewhere.example");
  CHECK(shake_hands(server, client, "default.example").client_connected);
  CHECK(shake_hands(server, client, "192.0.2.1").client_connected);
}

TEST_CASE("Of two hosts with the same name the one that was added first is shown") {
  const Issuer issuer{"root"};
  Tls server = server_for(issuer, "DNS:a.example");
  const Tls first = server_for(issuer, "DNS:b.example");
  REQUIRE(server.add_host(first));
  REQUIRE(server.add_host(server_for(issuer, "DNS:b.example,DNS:a.example")));

  CHECK(shake_hands(server, client_of(issuer), "b.example").client.certificate_sha256 ==
        first.certificate_sha256());
  CHECK(shake_hands(server, client_of(issuer), "a.example").client.certificate_sha256 ==
        server.certificate_sha256());
}

TEST_CASE("What cannot be a host is refused") {
  const Issuer issuer{"root"};
  Tls server = server_for(issuer, "DNS:a.example");
  Tls with_host = server_for(issuer, "DNS:b.example");
  REQUIRE(with_host.add_host(server_for(issuer, "DNS:c.example")));
  Tls client = client_of(issuer);

  const Error invalid{UsageError::invalid_argument};
  CHECK(server.add_host(client).error() == invalid);
  CHECK(client.add_host(server).error() == invalid);
  CHECK(server.add_host(server).error() == invalid);
  CHECK(server.add_host(with_host).error() == invalid);
  CHECK(server.add_host(server_for(issuer, "IP:192.0.2.9")).error() == invalid);
}

// RFC 8446 §4.3.2.
TEST_CASE("A server that requires certificates lets in only clients with a good one") {
  const Issuer issuer{"root"};
  const Issuer clients{"clients"};
  const Issuer stranger{"stranger"};
  Tls server = server_for(issuer, "DNS:www.example");
  REQUIRE(server.verify_clients_from_pem(clients.certificate()));

  const HandshakeOutcome good =
      shake_hands(server, client_with(issuer, clients, "DNS:device-7.example"), "www.example");
  CHECK(good.server_connected);
  CHECK(good.server.certificate_names == std::vector<std::string>{"DNS:device-7.example"});
  CHECK(good.server.certificate_sha256.size() == 64);
  CHECK(good.server.spki_sha256.size() == 44);

  const HandshakeOutcome none = shake_hands(server, client_of(issuer), "www.example");
  CHECK_FALSE(none.server_connected);
  CHECK(none.server_reason == Error{Error::Domain::tls, 116});
  CHECK(none.client_reason == Error{Error::Domain::tls, 116});

  const HandshakeOutcome untrusted =
      shake_hands(server, client_with(issuer, stranger, "DNS:device-7.example"), "www.example");
  CHECK_FALSE(untrusted.server_connected);
  CHECK(untrusted.server_reason == Error{LocalError::certificate_untrusted});
  CHECK(untrusted.client_reason == Error{Error::Domain::tls, 48});

  // A certificate for servers is not one for clients.
  const HandshakeOutcome wrong_use = shake_hands(
      server, client_with(issuer, clients, "DNS:device-7.example", "serverAuth"), "www.example");
  CHECK_FALSE(wrong_use.server_connected);
  CHECK(wrong_use.server_reason == Error{LocalError::certificate_invalid});
}

TEST_CASE(
    "A server that only asks lets in clients without a certificate, but none with a bad one") {
  const Issuer issuer{"root"};
  const Issuer clients{"clients"};
  const Issuer stranger{"stranger"};
  Tls server = server_for(issuer, "DNS:www.example");
  REQUIRE(server.verify_clients_from_pem(clients.certificate(), ClientAuth::request));

  const HandshakeOutcome none = shake_hands(server, client_of(issuer), "www.example");
  CHECK(none.server_connected);
  CHECK(none.server.certificate_names.empty());
  CHECK(none.server.certificate_sha256.empty());
  CHECK(shake_hands(server, client_with(issuer, clients, "DNS:device"), "www.example")
            .server.certificate_names.size() == 1);
  CHECK_FALSE(shake_hands(server, client_with(issuer, stranger, "DNS:device"), "www.example")
                  .server_connected);
}

TEST_CASE("A server that does not ask does not learn who the client is") {
  const Issuer issuer{"root"};
  const Issuer clients{"clients"};
  Tls server = server_for(issuer, "DNS:www.example");

  const HandshakeOutcome outcome =
      shake_hands(server, client_with(issuer, clients, "DNS:device"), "www.example");

  CHECK(outcome.server_connected);
  CHECK(outcome.server.certificate_names.empty());
}

TEST_CASE("Trust in clients fails closed") {
  const Issuer issuer{"root"};
  Tls server = server_for(issuer, "DNS:www.example");
  Tls client = client_of(issuer);
  CHECK_FALSE(server.verify_clients_from_pem(""));
  CHECK_FALSE(server.verify_clients_from_pem("not a certificate"));
  CHECK_FALSE(server.verify_clients("/nonexistent/clients.pem"));
  CHECK_FALSE(server.verify_clients("/dev/null"));
  CHECK_FALSE(client.verify_clients_from_pem(issuer.certificate()));
  CHECK_FALSE(server.client_certificate_from_pem("", ""));
  CHECK_FALSE(client.client_certificate("/nonexistent/chain.pem", "/nonexistent/key.pem"));
}

TEST_CASE("A ticket of one host leads to a full handshake with another one") {
  const Issuer issuer{"root"};
  const Issuer clients{"clients"};
  Tls server = server_for(issuer, "DNS:open.example");
  Tls closed = server_for(issuer, "DNS:closed.example");
  REQUIRE(closed.verify_clients_from_pem(clients.certificate()));
  REQUIRE(server.add_host(closed));
  Greeter greeter{server};
  // A client that takes no notice of which host a ticket is from.
  const auto ticket_for = [](quoin::quic::Resumption ticket, std::string_view from,
                             std::string_view to) {
    std::string text = ticket.serialize();
    std::string length(4, '\0');
    length[3] = static_cast<char>(from.size());
    const std::size_t at = text.find(length + std::string{from});
    REQUIRE(at != std::string::npos);
    length[3] = static_cast<char>(to.size());
    text.replace(at, 4 + from.size(), length + std::string{to});
    return quoin::quic::Resumption::parse(quoin::as_bytes(text)).value();
  };
  const Tls client = client_of(issuer);
  const HandshakeOutcome first = greeter.greet(client, "open.example");
  REQUIRE(first.resumption);
  REQUIRE(greeter.greet(client, "open.example", {.connect = {.resumption = *first.resumption}})
              .client.resumed);

  const HandshakeOutcome second = greeter.greet(
      client, "closed.example",
      {.connect = {.resumption = ticket_for(*first.resumption, "open.example", "closed.example")}});

  CHECK_FALSE(second.server_connected);
  CHECK(second.server_reason == Error{Error::Domain::tls, 116});
}

TEST_CASE("Early data are for the clients of every host that asks for no certificate") {
  const Issuer issuer{"root"};
  Tls server = server_for(issuer, "DNS:default.example");
  REQUIRE(server.add_host(server_for(issuer, "DNS:www.example")));
  quoin::quic::Config config;
  config.early_data = true;
  Greeter greeter{server, config};
  const Tls client = client_of(issuer);
  const HandshakeOutcome first = greeter.greet(client, "www.example");
  REQUIRE(first.resumption);

  const HandshakeOutcome again = greeter.greet(
      client, "www.example", {.connect = {.resumption = *first.resumption, .early_data = true}});

  CHECK(again.client.resumed);
  CHECK(again.was_early);
}

TEST_CASE("A session with a client's certificate is resumed with it, and never without") {
  const Issuer issuer{"root"};
  const Issuer clients{"clients"};
  Tls server = server_for(issuer, "DNS:www.example");
  REQUIRE(server.verify_clients_from_pem(clients.certificate()));
  quoin::quic::Config config;
  config.early_data = true;
  Greeter greeter{server, config};
  const Tls client = client_with(issuer, clients, "DNS:device");
  const HandshakeOutcome first = greeter.greet(client, "www.example");
  REQUIRE(first.resumption);

  const HandshakeOutcome again = greeter.greet(
      client, "www.example", {.connect = {.resumption = *first.resumption, .early_data = true}});
  CHECK(again.server.resumed);
  CHECK(again.server.certificate_names == std::vector<std::string>{"DNS:device"});
  CHECK_FALSE(again.was_early);

  // Another identity, or none, does not come in with it.
  const HandshakeOutcome other = greeter.greet(client_of(issuer), "www.example",
                                               {.connect = {.resumption = *first.resumption}});
  CHECK_FALSE(other.server_connected);
}

TEST_CASE("A ticket is not resumed when the server has changed what it asks of clients") {
  const Issuer issuer{"root"};
  const Issuer clients{"clients"};
  const Identity identity = issuer.issue({.alternative_names = "DNS:www.example"});
  const Tls before = Tls::server_from_pem(identity.certificate, identity.key).value();
  Greeter greeter{before};
  const Tls client = client_of(issuer);
  const HandshakeOutcome first = greeter.greet(client, "www.example");
  REQUIRE(first.resumption);
  Tls after = Tls::server_from_pem(identity.certificate, identity.key).value();
  REQUIRE(after.verify_clients_from_pem(clients.certificate(), ClientAuth::request));
  REQUIRE(greeter.endpoint().set_tls(after));

  const HandshakeOutcome second =
      greeter.greet(client, "www.example", {.connect = {.resumption = *first.resumption}});

  CHECK(second.server_connected);
  CHECK_FALSE(second.server.resumed);
}

TEST_CASE("A renewed certificate for the same names leaves tickets as they are") {
  const Issuer issuer{"root"};
  Greeter greeter{server_for(issuer, "DNS:www.example,DNS:b.example")};
  const Tls client = client_of(issuer);
  const HandshakeOutcome first = greeter.greet(client, "www.example");
  REQUIRE(first.resumption);
  const Tls renewed = server_for(issuer, "DNS:b.example,DNS:www.example");
  REQUIRE(greeter.endpoint().set_tls(renewed));

  const HandshakeOutcome second =
      greeter.greet(client, "www.example", {.connect = {.resumption = *first.resumption}});
  const HandshakeOutcome fresh = greeter.greet(client, "www.example");

  CHECK(second.client.resumed);
  CHECK(fresh.client.certificate_sha256 == renewed.certificate_sha256());
  CHECK(greeter.endpoint().set_tls(client).error() == Error{UsageError::invalid_argument});
}
