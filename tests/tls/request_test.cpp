// SPDX-License-Identifier: MIT
/// Certificates and signatures that come from elsewhere: at once, later, never, or not at all.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_request.hpp>

#include "support/certs.hpp"
#include "support/handshake.hpp"

namespace {

using namespace std::chrono_literals;
using quoin::Bytes;
using quoin::ClientAuth;
using quoin::Error;
using quoin::LocalError;
using quoin::SignatureScheme;
using quoin::Time;
using quoin::Tls;
using quoin::TlsRequest;
using quoin::TlsRequestId;
using quoin::UsageError;
using quoin::test::Greeter;
using quoin::test::HandshakeOptions;
using quoin::test::HandshakeOutcome;
using quoin::test::Identity;
using quoin::test::Issuer;

constexpr std::uint64_t internal_error = 80;
constexpr std::uint64_t unrecognized_name = 112;

Tls client_of(const Issuer& issuer) { return Tls::client_from_pem(issuer.certificate()).value(); }

Tls server_of(const Identity& identity) {
  return Tls::server_from_pem(identity.certificate, identity.key).value();
}

/// A server that is asked, and what it was asked.
struct Desk {
  explicit Desk(const Tls& tls, quoin::quic::Config config = {})
      : greeter(tls, std::move(config)), client(Tls::insecure_client()) {}

  HandshakeOutcome greet(const std::string& name, quoin::quic::ConnectOptions connect = {}) {
    HandshakeOptions options;
    options.connect = std::move(connect);
    // The greeter's time goes on from one handshake to the next, and this is its beginning.
    const Time begun = now;
    options.meanwhile = [&](std::chrono::milliseconds since) {
      now = begun + since;
      while (auto request = greeter.endpoint().poll_tls_request()) {
        asked.push_back(*request);
        if (delay == 0ms) answer(*request);
      }
      if (!asked.empty() && delay != 0ms && since >= delay * static_cast<int>(asked.size())) {
        if (greeter.endpoint().awaits(asked.back().id)) answer(asked.back());
      }
      if (auto step = at_step) step(since);
    };
    HandshakeOutcome outcome = greeter.greet(client, name, options);
    now += 10ms;
    return outcome;
  }

  [[nodiscard]] quoin::Result<> sign(const TlsRequest& request, const Identity& with) {
    return greeter.endpoint().give_signature(
        request.id, quoin::test::sign(with.key, request.scheme, request.input), now);
  }

  Greeter greeter;
  Tls client;
  std::function<void(const TlsRequest&)> answer = [](const TlsRequest&) {};
  std::function<void(std::chrono::milliseconds)> at_step;
  std::chrono::milliseconds delay{};
  std::vector<TlsRequest> asked;
  Time now{1s};
};

}  // namespace

// RFC 8446 §4.2.3.
TEST_CASE("A handshake goes on with the signature of a key that is elsewhere") {
  const bool is_rsa = GENERATE(false, true);
  const auto delay = GENERATE(0ms, 50ms);
  CAPTURE(is_rsa, delay.count());
  const Issuer issuer{"root"};
  const Identity identity = issuer.issue({.alternative_names = "DNS:a.example", .is_rsa = is_rsa});
  const Tls server = Tls::server_without_key_from_pem(identity.certificate).value();
  Desk desk{server};
  desk.client = client_of(issuer);
  desk.delay = delay;
  desk.answer = [&](const TlsRequest& request) { CHECK(desk.sign(request, identity)); };

  const HandshakeOutcome outcome = desk.greet("a.example");

  CHECK(outcome.client_connected);
  CHECK(outcome.server_connected);
  CHECK(outcome.took >= delay);
  CHECK(outcome.took < delay + 60ms);
  REQUIRE(desk.asked.size() == 1);
  CHECK(desk.asked[0].type == TlsRequest::Type::signature);
  CHECK(desk.asked[0].server_name == "a.example");
  CHECK(desk.asked[0].certificate_sha256 == server.certificate_sha256());
  CHECK(desk.asked[0].scheme ==
        (is_rsa ? SignatureScheme::rsa_pss_rsae_sha256 : SignatureScheme::ecdsa_secp256r1_sha256));
  const auto stats = desk.greeter.endpoint().stats();
  CHECK(stats.tls_requests_made == 1);
  CHECK(stats.tls_requests == 0);
}

TEST_CASE("A server on demand shows each client the certificate it is given for it") {
  const auto delay = GENERATE(0ms, 50ms);
  const Issuer issuer{"root"};
  const Tls a = server_of(issuer.issue({.alternative_names = "DNS:a.example"}));
  const Identity elsewhere = issuer.issue({.alternative_names = "DNS:b.example"});
  const Tls b = Tls::server_without_key_from_pem(elsewhere.certificate).value();
  const Tls known = server_of(issuer.issue({.alternative_names = "DNS:known.example"}));
  Tls server = Tls::server_on_demand().value();
  REQUIRE(server.add_host(known));
  Desk desk{server};
  desk.client = client_of(issuer);
  desk.delay = delay;
  desk.answer = [&](const TlsRequest& request) {
    if (request.type == TlsRequest::Type::signature) {
      CHECK(desk.sign(request, elsewhere));
      return;
    }
    CHECK(request.alpn == std::vector<std::string>{"test"});
    const Tls& chosen = request.server_name == "a.example" ? a : b;
    CHECK(desk.greeter.endpoint().give_certificate(request.id, chosen, desk.now));
  };

  CHECK(desk.greet("A.example").client.certificate_sha256 == a.certificate_sha256());
  CHECK(desk.asked.size() == 1);
  desk.asked.clear();
  CHECK(desk.greet("b.example").client.certificate_sha256 == b.certificate_sha256());
  REQUIRE(desk.asked.size() == 2);
  CHECK(desk.asked[0].type == TlsRequest::Type::certificate);
  CHECK(desk.asked[1].type == TlsRequest::Type::signature);
  CHECK(desk.asked[1].certificate_sha256 == b.certificate_sha256());
  desk.asked.clear();
  CHECK(desk.greet("known.example").client.certificate_sha256 == known.certificate_sha256());
  CHECK(desk.asked.empty());
}

TEST_CASE("A certificate that is given later asks of the client what it asks") {
  const Issuer issuer{"root"};
  Tls strict = server_of(issuer.issue({.alternative_names = "DNS:a.example"}));
  REQUIRE(strict.verify_clients_from_pem(issuer.certificate()));
  Desk desk{Tls::server_on_demand().value()};
  desk.client = client_of(issuer);
  desk.answer = [&](const TlsRequest& request) {
    CHECK(desk.greeter.endpoint().give_certificate(request.id, strict, desk.now));
  };

  CHECK(desk.greet("a.example").server_reason == Error{Error::Domain::tls, 116});
}

TEST_CASE("A handshake that is never answered ends by its timeout") {
  const bool on_demand = GENERATE(false, true);
  const Issuer issuer{"root"};
  const Identity identity = issuer.issue({.alternative_names = "DNS:a.example"});
  quoin::quic::Config config;
  config.handshake_timeout = 2s;
  Desk desk{on_demand ? Tls::server_on_demand().value()
                      : Tls::server_without_key_from_pem(identity.certificate).value(),
            config};

  const HandshakeOutcome outcome = desk.greet("a.example");

  CHECK_FALSE(outcome.client_connected);
  CHECK(outcome.server_reason == Error{LocalError::handshake_timeout});
  CHECK(outcome.took >= 2s);
  CHECK(outcome.took < 3s);
  CHECK(desk.greeter.endpoint().stats().tls_requests == 0);

  // Whoever answers now finds that nobody waits.
  REQUIRE(desk.asked.size() == 1);
  quoin::quic::Endpoint& endpoint = desk.greeter.endpoint();
  const TlsRequestId id = desk.asked[0].id;
  const Error stale{UsageError::stale_handle};
  CHECK_FALSE(endpoint.awaits(id));
  CHECK(endpoint.give_certificate(id, server_of(identity), desk.now).error() == stale);
  CHECK(endpoint.give_signature(id, quoin::as_bytes("signature"), desk.now).error() == stale);
  CHECK(endpoint.refuse(id, "late").error() == stale);
}

// RFC 8446 §6.2.
TEST_CASE("What is refused ends the handshake with an alert that says so") {
  const bool on_demand = GENERATE(false, true);
  const Issuer issuer{"root"};
  const Identity identity = issuer.issue({.alternative_names = "DNS:a.example"});
  Desk desk{on_demand ? Tls::server_on_demand().value()
                      : Tls::server_without_key_from_pem(identity.certificate).value()};
  desk.answer = [&](const TlsRequest& request) {
    CHECK(desk.greeter.endpoint().refuse(request.id, "not with us"));
    CHECK_FALSE(desk.greeter.endpoint().awaits(request.id));
  };

  const HandshakeOutcome outcome = desk.greet("a.example");

  const Error alert{Error::Domain::tls, on_demand ? unrecognized_name : internal_error};
  CHECK(outcome.client_reason == alert);
  CHECK(outcome.server_reason == alert);
  CHECK(outcome.server_reason.detail() == "not with us");
  CHECK(outcome.took < 100ms);
  CHECK(desk.greeter.endpoint().stats().tls_requests == 0);
  CHECK(desk.greeter.endpoint().stats().tls_requests_refused == 1);
}

TEST_CASE("An answer of the wrong kind changes nothing") {
  const Issuer issuer{"root"};
  const Identity identity = issuer.issue({.alternative_names = "DNS:a.example"});
  const Tls keyless = Tls::server_without_key_from_pem(identity.certificate).value();
  Desk desk{Tls::server_on_demand().value()};
  desk.client = client_of(issuer);
  desk.answer = [&](const TlsRequest& request) {
    quoin::quic::Endpoint& endpoint = desk.greeter.endpoint();
    const Error invalid{UsageError::invalid_argument};
    if (request.type == TlsRequest::Type::certificate) {
      const Tls nobody = Tls::server_on_demand().value();
      CHECK(endpoint.give_signature(request.id, quoin::as_bytes("x"), desk.now).error() == invalid);
      CHECK(endpoint.give_certificate(request.id, desk.client, desk.now).error() == invalid);
      CHECK(endpoint.give_certificate(request.id, nobody, desk.now).error() == invalid);
      CHECK(endpoint.give_certificate(request.id, keyless, desk.now));
      return;
    }
    const std::string long_one(1025, 'x');
    CHECK(endpoint.give_certificate(request.id, keyless, desk.now).error() == invalid);
    CHECK(endpoint.give_signature(request.id, {}, desk.now).error() == invalid);
    CHECK(endpoint.give_signature(request.id, quoin::as_bytes(long_one), desk.now).error() ==
          invalid);
    CHECK(desk.sign(request, identity));
    CHECK(desk.sign(request, identity).error() == Error{UsageError::stale_handle});
  };

  CHECK(desk.greet("a.example").client_connected);
}

TEST_CASE("A wrong signature is refused by the client, one that is too long by us") {
  const auto size = GENERATE(std::size_t{70}, std::size_t{1024});
  const Issuer issuer{"root"};
  const Identity identity = issuer.issue({.alternative_names = "DNS:a.example"});
  Desk desk{Tls::server_without_key_from_pem(identity.certificate).value()};
  desk.answer = [&](const TlsRequest& request) {
    const std::string wrong(size, 'x');
    CHECK(desk.greeter.endpoint().give_signature(request.id, quoin::as_bytes(wrong), desk.now));
  };

  const HandshakeOutcome outcome = desk.greet("a.example");

  CHECK_FALSE(outcome.client_connected);
  constexpr std::uint64_t decrypt_error = 51;
  CHECK(outcome.client_reason ==
        Error{Error::Domain::tls, size == 70 ? decrypt_error : internal_error});
}

TEST_CASE("Handshakes that wait are bounded") {
  quoin::quic::Config config;
  config.max_tls_requests = 1;
  config.handshake_timeout = 3s;
  Desk desk{Tls::server_on_demand().value(), config};
  HandshakeOutcome outcome;
  desk.at_step = [&](std::chrono::milliseconds) {
    if (desk.asked.empty()) return;
    desk.at_step = nullptr;
    outcome = desk.greet("b.example");  // while the first one waits
    CHECK(desk.greeter.endpoint().stats().tls_requests == 1);
  };

  CHECK(desk.greet("a.example").server_reason == Error{LocalError::handshake_timeout});

  CHECK(outcome.client_reason == Error{Error::Domain::tls, internal_error});
  CHECK(outcome.server_reason.detail() == "quic::Config::max_tls_requests");
  CHECK(desk.greeter.endpoint().stats().tls_requests_refused == 1);
  CHECK(desk.greeter.endpoint().stats().tls_requests_made == 1);
  CHECK(desk.greeter.endpoint().stats().tls_requests == 0);
}

TEST_CASE("A resumed session needs its certificate, and no signature") {
  const Issuer issuer{"root"};
  const Identity identity = issuer.issue({.alternative_names = "DNS:a.example"});
  const Tls keyless = Tls::server_without_key_from_pem(identity.certificate).value();
  quoin::quic::Config config;
  config.early_data = true;
  Desk desk{Tls::server_on_demand().value(), config};
  desk.client = client_of(issuer);
  desk.delay = GENERATE(0ms, 50ms);
  desk.answer = [&](const TlsRequest& request) {
    if (request.type == TlsRequest::Type::certificate) {
      CHECK(desk.greeter.endpoint().give_certificate(request.id, keyless, desk.now));
    } else {
      CHECK(desk.sign(request, identity));
    }
  };
  const HandshakeOutcome first = desk.greet("a.example");
  REQUIRE(first.resumption);
  CHECK_FALSE(first.client.resumed);
  desk.asked.clear();

  const HandshakeOutcome second =
      desk.greet("a.example", {.resumption = *first.resumption, .early_data = true});

  CHECK(second.server_connected);
  CHECK(second.client.resumed);
  CHECK(second.was_early);
  REQUIRE(desk.asked.size() == 1);
  CHECK(desk.asked[0].type == TlsRequest::Type::certificate);
}

TEST_CASE("A request of a connection that we close is stale at once") {
  Desk desk{Tls::server_on_demand().value()};
  desk.answer = [&](const TlsRequest& request) {
    quoin::quic::Endpoint& endpoint = desk.greeter.endpoint();
    endpoint.find({request.id.slot, request.id.generation})->close({});
    CHECK_FALSE(endpoint.awaits(request.id));
    CHECK(endpoint.refuse(request.id, "late").error() == Error{UsageError::stale_handle});
  };

  CHECK_FALSE(desk.greet("a.example").client_connected);
  CHECK(desk.asked.size() == 1);
  CHECK(desk.greeter.endpoint().stats().tls_requests == 0);
}

TEST_CASE("A request of a connection that dies before anybody looks is not told of") {
  quoin::quic::Config config;
  config.handshake_timeout = 1s;
  Greeter greeter{Tls::server_on_demand().value(), config};

  const HandshakeOutcome outcome = greeter.greet(Tls::insecure_client(), "a.example");

  CHECK(outcome.server_reason == Error{LocalError::handshake_timeout});
  CHECK(greeter.endpoint().stats().tls_requests_made == 1);
  CHECK(greeter.endpoint().stats().tls_requests == 0);
  CHECK(greeter.endpoint().poll_timeout() != Time{});  // nobody has to look any more
  CHECK_FALSE(greeter.endpoint().poll_tls_request());
}

TEST_CASE("A chain without a certificate makes no server without a key") {
  CHECK(Tls::server_without_key_from_pem("nothing").error() ==
        Error{LocalError::certificate_invalid});
  CHECK(Tls::server_without_key("/nowhere/chain.pem").error().domain() == Error::Domain::system);
}
