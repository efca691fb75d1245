// SPDX-License-Identifier: MIT
/// Clients whose transport parameters are not as they should be (RFC 9000 §7.4, §18).
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>
#include <ngtcp2/ngtcp2_crypto.h>
#include <openssl/ssl.h>

#include <quoin/error.hpp>
#include <quoin/tls.hpp>

#include "base/access.hpp"
#include "quic/connection_impl.hpp"
#include "support/handshake.hpp"
#include "support/hostile_world.hpp"
#include "tls/tls_impl.hpp"

namespace quoin::test {

namespace {

/// What to make of the parameters of an honest client; one test at a time.
std::function<std::string(std::string)> change;  // NOLINT(cert-err58-cpp)

/// Just before a client writes its ClientHello.
void replace_parameters(const SSL* ssl, int type, int /*value*/) {
  if ((type & SSL_CB_HANDSHAKE_START) == 0) return;
  auto* const ref = static_cast<ngtcp2_crypto_conn_ref*>(SSL_get_app_data(ssl));
  std::array<std::uint8_t, 1024> buffer{};
  const ngtcp2_ssize size =
      ngtcp2_conn_encode_local_transport_params2(ref->get_conn(ref), buffer.data(), buffer.size());
  REQUIRE(size > 0);
  const std::string changed =
      change({reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(size)});
  REQUIRE(SSL_set_quic_transport_params(const_cast<SSL*>(ssl),
                                        reinterpret_cast<const std::uint8_t*>(changed.data()),
                                        changed.size()) == 1);
}

std::string parameter(std::uint64_t id, std::string_view value) {
  return varint(id) + varint(value.size()) + std::string{value};
}

struct Crafted {
  const char* name;
  std::function<std::string(std::string)> change;
};

std::vector<Crafted> crafted() {
  const auto with = [](std::uint64_t id, const std::string& value) {
    return [extra = parameter(id, value)](const std::string& honest) { return honest + extra; };
  };
  return {
      {"cut off", [](const std::string& honest) { return honest.substr(0, honest.size() - 1); }},
      {"longer than there are bytes",
       [](const std::string& honest) { return honest + "\x01\x08" + "1"; }},
      {"a value longer than its number", with(0x01, varint(1) + "x")},
      {"ack_delay_exponent 21", with(0x0a, varint(21))},
      {"max_udp_payload_size 0", with(0x03, varint(0))},
      {"max_udp_payload_size 1199", with(0x03, varint(1199))},
      {"max_ack_delay 2^14", with(0x0b, varint(std::uint64_t{1} << 14U))},
      {"active_connection_id_limit 1", with(0x0e, varint(1))},
      {"initial_max_streams_bidi 2^60 + 1", with(0x08, varint((std::uint64_t{1} << 60U) + 1))},
      {"initial_max_streams_uni 2^60 + 1", with(0x09, varint((std::uint64_t{1} << 60U) + 1))},
      {"a server's stateless_reset_token", with(0x02, std::string(16, 't'))},
      {"a server's original_destination_connection_id", with(0x00, std::string(8, 'o'))},
  };
}

}  // namespace

TEST_CASE("crafted transport parameters fail their own handshake, with the right error") {
  const Tls server = Tls::self_signed().value();
  Greeter greeter{server};
  const Tls honest = Tls::client_from_pem(server.certificate_pem()).value();
  const Tls hostile = Tls::client_from_pem(server.certificate_pem()).value();
  SSL_CTX_set_info_callback(detail::impl_of(hostile).context(quic::transport()).get(),
                            replace_parameters);
  change = [](std::string parameters) { return parameters + parameter(0x1f * 5 + 27, "grease"); };
  CHECK(greeter.greet(hostile, "localhost").server_connected);  // what is unknown is skipped
  for (const Crafted& each : crafted()) {
    INFO(each.name);
    change = each.change;
    const HandshakeOutcome outcome = greeter.greet(hostile, "localhost");
    CHECK_FALSE(outcome.server_connected);
    CHECK_FALSE(outcome.client_connected);
    CHECK(outcome.server_reason.name() == Error{TransportError::transport_parameter_error}.name());
    CHECK(greeter.greet(honest, "localhost").server_connected);
  }
}

}  // namespace quoin::test
