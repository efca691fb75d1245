// SPDX-License-Identifier: MIT
/// The handshake and the cipher of the probe: the messages are transport parameters, the keys
/// numbers.
#include "fake_tls.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <string>

#include "quic/ngtcp2/settings.h"
#include "world.hpp"

namespace quoin::probe {

const std::array<std::uint8_t, 65536> zeros{};

void check(int result, const char* what) {
  if (result != 0) throw std::runtime_error(std::string(what) + ": " + ngtcp2_strerror(result));
}

namespace {

constexpr std::size_t tag_size = 16;
constexpr std::size_t iv_size = 12;

/// A key is a number, which its address stands for; a packet that was sealed with another one does
/// not open.
std::array<std::uint8_t, 256> keys;

ngtcp2_crypto_aead_ctx key(std::uint8_t number) {
  keys[number] = number;
  return {.native_handle = &keys[number]};
}

std::uint8_t number_of(const ngtcp2_crypto_aead_ctx* key) {
  return *static_cast<const std::uint8_t*>(key->native_handle);
}

End& self(void* user) { return *static_cast<End*>(user); }

ngtcp2_crypto_ctx cipher() {
  ngtcp2_crypto_ctx made{};
  made.aead.max_overhead = tag_size;
  made.max_encryption = std::uint64_t{1} << 40U;
  made.max_decryption_failure = std::uint64_t{1} << 40U;
  return made;
}

// ---- The cipher
// -----------------------------------------------------------------------------------

int encrypt(std::uint8_t* dest, const ngtcp2_crypto_aead*, const ngtcp2_crypto_aead_ctx* key,
            const std::uint8_t* text, std::size_t size, const std::uint8_t*, std::size_t,
            const std::uint8_t*, std::size_t) {
  if (size > 0) std::memmove(dest, text, size);
  std::memset(dest + size, number_of(key), tag_size);
  return 0;
}

int decrypt(std::uint8_t* dest, const ngtcp2_crypto_aead*, const ngtcp2_crypto_aead_ctx* key,
            const std::uint8_t* text, std::size_t size, const std::uint8_t*, std::size_t,
            const std::uint8_t*, std::size_t) {
  if (size < tag_size || text[size - 1] != number_of(key)) return NGTCP2_ERR_DECRYPT;
  std::memmove(dest, text, size - tag_size);
  return 0;
}

int mask(std::uint8_t* dest, const ngtcp2_crypto_cipher*, const ngtcp2_crypto_cipher_ctx*,
         const std::uint8_t*) {
  std::memset(dest, 0, NGTCP2_HP_MASKLEN);
  return 0;
}

int update_key(ngtcp2_conn*, std::uint8_t* rx_secret, std::uint8_t* tx_secret,
               ngtcp2_crypto_aead_ctx* rx_key, std::uint8_t* rx_iv, ngtcp2_crypto_aead_ctx* tx_key,
               std::uint8_t* tx_iv, const std::uint8_t* rx_before, const std::uint8_t* tx_before,
               std::size_t, void*) {
  *rx_secret = static_cast<std::uint8_t>(*rx_before + 1);
  *tx_secret = static_cast<std::uint8_t>(*tx_before + 1);
  *rx_key = key(*rx_secret);
  *tx_key = key(*tx_secret);
  std::memset(rx_iv, 0, iv_size);
  std::memset(tx_iv, 0, iv_size);
  return 0;
}

// ---- The handshake: each message is its length and the transport parameters, if it has any
// -----------

void install_initial(ngtcp2_conn* conn) {
  const ngtcp2_crypto_ctx made = cipher();
  ngtcp2_conn_set_initial_crypto_ctx(conn, &made);
  const ngtcp2_crypto_aead_ctx initial = key(201);
  const ngtcp2_crypto_cipher_ctx protection{.native_handle = keys.data()};
  check(ngtcp2_conn_install_initial_key(conn, &initial, zeros.data(), &protection, &initial,
                                        zeros.data(), &protection, iv_size),
        "initial keys");
}

void install_handshake(ngtcp2_conn* conn) {
  const ngtcp2_crypto_ctx made = cipher();
  ngtcp2_conn_set_crypto_ctx(conn, &made);
  const ngtcp2_crypto_aead_ctx rx = key(202);
  const ngtcp2_crypto_aead_ctx tx = key(202);
  const ngtcp2_crypto_cipher_ctx protection{.native_handle = keys.data()};
  check(ngtcp2_conn_install_rx_handshake_key(conn, &rx, zeros.data(), iv_size, &protection),
        "handshake keys");
  check(ngtcp2_conn_install_tx_handshake_key(conn, &tx, zeros.data(), iv_size, &protection),
        "handshake keys");
}

void install_tx(ngtcp2_conn* conn) {
  const ngtcp2_crypto_aead_ctx first = key(1);
  const ngtcp2_crypto_cipher_ctx protection{.native_handle = keys.data()};
  check(ngtcp2_conn_install_tx_key(conn, &keys[1], 1, &first, zeros.data(), iv_size, &protection),
        "keys");
}

void install_rx(ngtcp2_conn* conn) {
  const ngtcp2_crypto_aead_ctx first = key(1);
  const ngtcp2_crypto_cipher_ctx protection{.native_handle = keys.data()};
  check(ngtcp2_conn_install_rx_key(conn, &keys[1], 1, &first, zeros.data(), iv_size, &protection),
        "keys");
}

void say(ngtcp2_conn* conn, ngtcp2_encryption_level level, const std::string& message) {
  check(ngtcp2_conn_submit_crypto_data(
            conn, level, reinterpret_cast<const std::uint8_t*>(message.data()), message.size()),
        "handshake message");
}

std::string message(ngtcp2_conn* conn, bool has_parameters) {
  std::array<std::uint8_t, 512> text{};
  ngtcp2_ssize size = 0;
  if (has_parameters) {
    size = ngtcp2_conn_encode_local_transport_params(conn, text.data(), text.size());
    if (size < 0) check(static_cast<int>(size), "transport parameters");
  }
  std::string made{static_cast<char>(size >> 8), static_cast<char>(size & 0xff)};
  return made.append(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size));
}

void hear_initial(End& end, ngtcp2_conn* conn) {
  install_handshake(conn);
  if (!end.is_server) return;
  const std::string& heard = end.heard[0];
  check(ngtcp2_conn_decode_and_set_remote_transport_params(
            conn, reinterpret_cast<const std::uint8_t*>(heard.data()) + 2, heard.size() - 2),
        "transport parameters");
  end.hello = message(conn, false);
  say(conn, NGTCP2_ENCRYPTION_LEVEL_INITIAL, end.hello);
  install_tx(conn);
  end.finished = message(conn, true);
  say(conn, NGTCP2_ENCRYPTION_LEVEL_HANDSHAKE, end.finished);
}

void hear_finished(End& end, ngtcp2_conn* conn) {
  if (!end.is_server) {
    const std::string& heard = end.heard[1];
    check(ngtcp2_conn_decode_and_set_remote_transport_params(
              conn, reinterpret_cast<const std::uint8_t*>(heard.data()) + 2, heard.size() - 2),
          "transport parameters");
    end.finished = message(conn, false);
    say(conn, NGTCP2_ENCRYPTION_LEVEL_HANDSHAKE, end.finished);
    install_tx(conn);
  }
  install_rx(conn);
  ngtcp2_conn_tls_handshake_completed(conn);
}

int client_initial(ngtcp2_conn* conn, void* user) {
  install_initial(conn);
  self(user).hello = message(conn, true);
  say(conn, NGTCP2_ENCRYPTION_LEVEL_INITIAL, self(user).hello);
  if (self(user).world->options().is_unanswered) quoin_ngtcp2_set_idle_timeout(conn, 0);
  return 0;
}

int recv_client_initial(ngtcp2_conn* conn, const ngtcp2_cid*, void*) {
  install_initial(conn);
  return 0;
}

int recv_crypto(ngtcp2_conn* conn, ngtcp2_encryption_level level, std::uint64_t,
                const std::uint8_t* data, std::size_t size, void* user) {
  End& end = self(user);
  const std::size_t place = level == NGTCP2_ENCRYPTION_LEVEL_INITIAL ? 0 : 1;
  std::string& heard = end.heard.at(place);
  heard.append(reinterpret_cast<const char*>(data), size);
  if (heard.size() < 2) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(heard[i]); };
  if (heard.size() < 2U + byte(0) * 256U + byte(1)) return 0;
  place == 0 ? hear_initial(end, conn) : hear_finished(end, conn);
  return 0;
}

// ---- What connections tell
// ---------------------------------------------------------------------------

int recv_stream(ngtcp2_conn* conn, std::uint32_t, std::int64_t stream, std::uint64_t,
                const std::uint8_t*, std::size_t size, void* user, void*) {
  self(user).received += size;
  ngtcp2_conn_extend_max_offset(conn, size);
  return ngtcp2_conn_extend_max_stream_offset(conn, stream, size);
}

int stream_close(ngtcp2_conn*, std::uint32_t, std::int64_t stream, std::uint64_t, void* user,
                 void*) {
  self(user).closed.push_back(stream);
  return 0;
}

int ack_datagram(ngtcp2_conn*, std::uint64_t id, void* user) {
  self(user).acked_datagrams.push_back(id);
  return 0;
}

int lost_datagram(ngtcp2_conn*, std::uint64_t id, void* user) {
  self(user).lost_datagrams.push_back(id);
  return 0;
}

std::uint8_t next_byte() {
  static std::uint32_t state = 1;
  state = state * 1664525U + 1013904223U;
  return static_cast<std::uint8_t>(state >> 24U);
}

void random(std::uint8_t* dest, std::size_t size, const ngtcp2_rand_ctx*) {
  std::generate_n(dest, size, next_byte);
}

}  // namespace

ngtcp2_cid fresh_cid(std::size_t size) {
  std::array<std::uint8_t, NGTCP2_MAX_CIDLEN> bytes{};
  std::generate(bytes.begin(), bytes.end(), next_byte);
  ngtcp2_cid made;
  ngtcp2_cid_init(&made, bytes.data(), size);
  return made;
}

ngtcp2_callbacks callbacks() {
  ngtcp2_callbacks table{};
  table.client_initial = client_initial;
  table.recv_client_initial = recv_client_initial;
  table.recv_crypto_data = recv_crypto;
  table.encrypt = encrypt;
  table.decrypt = decrypt;
  table.hp_mask = mask;
  table.update_key = update_key;
  table.delete_crypto_aead_ctx = [](ngtcp2_conn*, ngtcp2_crypto_aead_ctx*, void*) {};
  table.delete_crypto_cipher_ctx = [](ngtcp2_conn*, ngtcp2_crypto_cipher_ctx*, void*) {};
  table.recv_retry = [](ngtcp2_conn*, const ngtcp2_pkt_hd*, void*) { return 0; };
  table.version_negotiation = [](ngtcp2_conn*, std::uint32_t, const ngtcp2_cid*, void*) {
    return 0;
  };
  table.rand = random;
  table.get_new_connection_id2 = [](ngtcp2_conn*, ngtcp2_cid* cid,
                                    ngtcp2_stateless_reset_token* token, std::size_t size, void*) {
    *cid = fresh_cid(size);
    random(token->data, sizeof token->data, nullptr);
    return 0;
  };
  table.get_path_challenge_data2 = [](ngtcp2_conn*, ngtcp2_path_challenge_data* data, void*) {
    random(data->data, sizeof data->data, nullptr);
    return 0;
  };
  table.recv_stream_data = recv_stream;
  table.stream_close = stream_close;
  table.ack_datagram = ack_datagram;
  table.lost_datagram = lost_datagram;
  return table;
}

}  // namespace quoin::probe
