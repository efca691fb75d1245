// SPDX-License-Identifier: MIT
/// TLS on something that is no QUIC connection: two byte streams in memory, as a TCP connection's
/// would be.

#include "tls/session.hpp"

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <quoin/error.hpp>
#include <quoin/tls.hpp>
#include <quoin/tls_request.hpp>

#include "support/certs.hpp"
#include "support/handshake.hpp"

namespace quoin::test {

namespace {

bool allow_tls13(ssl_ctx_st* context, bool /*is_server*/) {
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1;
}

constexpr tls::Transport stream{.name = "stream", .set_up = allow_tls13};
constexpr tls::Transport other_stream{.name = "other", .set_up = allow_tls13};
constexpr std::string_view offered = "\x08http/1.1\x02h2";

/// One end.
class Side final : public tls::Handshake {
 public:
  explicit Side(const Tls& settings) : session(settings, *this) {}

  [[nodiscard]] const std::vector<std::string>& protocols() const noexcept override {
    return protocols_;
  }

  [[nodiscard]] bool takes_early_data() const noexcept override { return false; }

  [[nodiscard]] bool begin_wait(TlsRequest& request) override {
    request.id.number = ++requests;
    return true;
  }

  void keep_ticket(std::string ticket) override { tickets.push_back(std::move(ticket)); }

  [[nodiscard]] SSL* ssl() { return static_cast<SSL*>(session.native_handle()); }

  tls::Session session;
  std::vector<std::string> tickets;
  std::uint64_t requests = 0;
  bool connected = false;

 private:
  std::vector<std::string> protocols_{"h2", "http/1.1"};
};

/// A client and a server, connected with each other.
struct Meeting {
  Meeting(const Tls& client_settings, const Tls& server_settings, const tls::Transport& transport,
          std::string_view ticket = {})
      : client(client_settings), server(server_settings) {
    REQUIRE(server.session.start_server(transport));
    REQUIRE(client.session.start_client(
        transport, "localhost",
        {reinterpret_cast<const std::uint8_t*>(offered.data()), offered.size()}));
    if (!ticket.empty()) REQUIRE(client.session.offer(ticket) == tls::Offer::session);
    BIO* near = nullptr;
    BIO* far = nullptr;
    REQUIRE(BIO_new_bio_pair(&near, 0, &far, 0) == 1);
    SSL_set_bio(client.ssl(), near, near);
    SSL_set_bio(server.ssl(), far, far);
    go_on();
  }

  /// Until nothing moves any more.
  void go_on() {
    for (int i = 0; i < 8; ++i) {
      for (Side* side : {&client, &server}) {
        if (!side->connected && SSL_do_handshake(side->ssl()) == 1) {
          side->connected = side->session.check_negotiated().has_value();
        }
      }
    }
    if (!worked()) return;
    // Tickets go with the first data.
    std::array<std::uint8_t, 1> octet{};
    REQUIRE(SSL_write(server.ssl(), octet.data(), 1) == 1);
    REQUIRE(SSL_read(client.ssl(), octet.data(), 1) == 1);
  }

  [[nodiscard]] bool worked() const { return client.connected && server.connected; }

  Side client;
  Side server;
};

}  // namespace

TEST_CASE("one Tls serves a byte stream and QUIC connections") {
  const Tls server = Tls::self_signed().value();
  const Tls client = Tls::client_from_pem(server.certificate_pem()).value();
  Greeter greeter{server};
  CHECK(greeter.greet(client, "localhost").server_connected);
  const Meeting met{client, server, stream};
  REQUIRE(met.worked());
  CHECK(met.client.session.alpn() == "h2");  // what the server likes best
  const TlsInfo info = met.client.session.info();
  CHECK(info.certificate_sha256 == server.certificate_sha256());
  CHECK(info.version == "TLSv1.3");
  CHECK(met.client.session.serves("127.0.0.1"));
  CHECK_FALSE(met.client.session.serves("elsewhere.example"));
  CHECK(met.server.session.info().server_name == "localhost");
  CHECK(greeter.greet(client, "localhost").server_connected);
}

TEST_CASE("a byte stream hears why its server is not believed") {
  const Tls server = Tls::self_signed(std::array<std::string, 1>{"elsewhere.example"}).value();
  const Tls client = Tls::client_from_pem(server.certificate_pem()).value();
  const Meeting met{client, server, stream};
  CHECK_FALSE(met.client.connected);
  REQUIRE(met.client.session.failure().has_value());
  CHECK(*met.client.session.failure() == Error{LocalError::certificate_name});
}

TEST_CASE("a ticket stays with the transport that it was made on") {
  const Tls server = Tls::self_signed().value();
  const Tls client = Tls::client_from_pem(server.certificate_pem()).value();
  tls::share_ticket_keys(server, std::string(32, 's'));
  const Meeting first{client, server, stream};
  REQUIRE(first.client.tickets.size() == 1);
  const std::string& ticket = first.client.tickets.front();
  const Meeting again{client, server, stream, ticket};
  CHECK(again.worked());
  CHECK(again.client.session.info().resumed);
  // A client that asks by trust_id() does not even offer it.
  const Meeting elsewhere{client, server, other_stream, ticket};
  CHECK(elsewhere.worked());
  CHECK_FALSE(elsewhere.client.session.info().resumed);
  CHECK(first.client.session.trust_id() == again.client.session.trust_id());
  CHECK(first.client.session.trust_id() != elsewhere.client.session.trust_id());
}

TEST_CASE("a setting holds on every transport, also one that is in use") {
  const Issuer issuer{"clients"};
  const Identity shown =
      issuer.issue({.alternative_names = "DNS:me.example", .extended_usage = "clientAuth"});
  Tls server = Tls::self_signed().value();
  Tls client = Tls::client_from_pem(server.certificate_pem()).value();
  CHECK(Meeting{client, server, stream}.worked());
  REQUIRE(server.verify_clients_from_pem(issuer.certificate()));
  CHECK_FALSE(Meeting{client, server, stream}.worked());
  CHECK_FALSE(Meeting{client, server, other_stream}.worked());
  REQUIRE(client.client_certificate_from_pem(shown.certificate, shown.key));
  for (const tls::Transport* transport : {&stream, &other_stream}) {
    const Meeting met{client, server, *transport};
    REQUIRE(met.worked());
    CHECK(met.server.session.info().certificate_names ==
          std::vector<std::string>{"DNS:me.example"});
  }
}

TEST_CASE("a byte stream's handshake waits for a certificate, then for a signature") {
  const Issuer issuer{"issuer"};
  const Identity identity = issuer.issue({.alternative_names = "DNS:localhost"});
  Meeting met{Tls::client_from_pem(issuer.certificate()).value(), Tls::server_on_demand().value(),
              stream};
  tls::Session& session = met.server.session;
  REQUIRE(session.waits_for() != nullptr);
  const TlsRequest wanted = session.take_request();
  CHECK(wanted.type == TlsRequest::Type::certificate);
  CHECK(wanted.server_name == "localhost");
  CHECK(wanted.alpn == std::vector<std::string>{"http/1.1", "h2"});
  met.go_on();
  CHECK(met.server.requests == 1);  // it is not asked for again
  CHECK_FALSE(session.give_signature(as_bytes("x")));
  CHECK_FALSE(session.give_certificate(Tls::server_on_demand().value()));
  REQUIRE(session.give_certificate(Tls::server_without_key_from_pem(identity.certificate).value()));
  session.stop_waiting();
  met.go_on();
  REQUIRE(session.waits_for() != nullptr);
  const TlsRequest signature = session.take_request();
  CHECK(signature.type == TlsRequest::Type::signature);
  CHECK_FALSE(met.client.connected);
  REQUIRE(session.give_signature(sign(identity.key, signature.scheme, signature.input)));
  session.stop_waiting();
  met.go_on();
  CHECK(met.worked());
}

TEST_CASE("threads share a Tls, while its ticket keys change") {
  const Tls server = Tls::self_signed().value();
  const Tls client = Tls::client_from_pem(server.certificate_pem()).value();
  constexpr int threads = 4;
  constexpr int meetings = 25;
  std::atomic<int> worked = 0;
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&, i] {
      for (int j = 0; j < meetings; ++j) {
        tls::share_ticket_keys(server, std::string(32, static_cast<char>('a' + (i + j) % 3)));
        const Meeting met{client, server, (i + j) % 2 == 0 ? stream : other_stream};
        if (met.worked()) ++worked;
      }
    });
  }
  for (std::thread& each : all) each.join();
  CHECK(worked == threads * meetings);
}

}  // namespace quoin::test
