// SPDX-License-Identifier: MIT
/// See hostile_world.hpp.

#include "support/hostile_world.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <malloc.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <openssl/aead.h>
#include <openssl/aes.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>

#include <quoin/streaming.hpp>

namespace quoin::test {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t cid_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::size_t number_size = 4;

const std::uint8_t* octets(std::span<const std::byte> bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

std::uint8_t* octets(std::span<std::byte> bytes) {
  return reinterpret_cast<std::uint8_t*>(bytes.data());
}

/// HKDF-Expand-Label (RFC 8446 §7.1).
std::vector<std::byte> expand(Bytes secret, std::string_view label, std::size_t size) {
  const std::string full = "tls13 " + std::string{label};
  std::string info{'\0', static_cast<char>(size), static_cast<char>(full.size())};
  info += full + '\0';
  std::vector<std::byte> out(size);
  REQUIRE(HKDF_expand(octets(std::span{out}), size, EVP_sha256(), octets(secret), secret.size(),
                      octets(as_bytes(info)), info.size()) == 1);
  return out;
}

std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> out(text.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    unsigned value = 0;
    std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, value, 16);
    out[i] = static_cast<std::byte>(value);
  }
  return out;
}

}  // namespace

std::string varint(std::uint64_t value) {
  constexpr std::array limits{std::uint64_t{1} << 6U, std::uint64_t{1} << 14U,
                              std::uint64_t{1} << 30U};
  std::size_t kind = 0;
  while (kind < limits.size() && value >= limits[kind]) ++kind;
  std::string out;
  for (std::size_t left = std::size_t{1} << kind; left > 0; --left) {
    out += static_cast<char>(value >> (8 * (left - 1)));
  }
  out[0] = static_cast<char>(static_cast<unsigned char>(out[0]) | (kind << 6U));
  return out;
}

std::string stream_frame(std::uint64_t id, std::uint64_t offset, std::string_view data) {
  return "\x0e" + varint(id) + varint(offset) + varint(data.size()) + std::string{data};
}

std::string crypto_frame(std::uint64_t offset, std::string_view data) {
  return "\x06" + varint(offset) + varint(data.size()) + std::string{data};
}

std::size_t heap_in_use() { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; }

Forger::Forger(Bytes secret, Bytes destination_id)
    : key_(expand(secret, "quic key", 16)),
      iv_(expand(secret, "quic iv", 12)),
      header_key_(expand(secret, "quic hp", 16)),
      destination_id_(destination_id.begin(), destination_id.end()) {}

std::vector<std::byte> Forger::seal(std::string_view frames, std::uint32_t number) const {
  std::vector<std::byte> packet{std::byte{0x43}};
  packet.insert(packet.end(), destination_id_.begin(), destination_id_.end());
  for (std::size_t i = number_size; i > 0; --i) {
    packet.push_back(static_cast<std::byte>(number >> (8 * (i - 1))));
  }
  const std::size_t header = packet.size();
  std::vector<std::byte> nonce = iv_;
  for (std::size_t i = 0; i < number_size; ++i) {
    nonce[nonce.size() - number_size + i] ^= packet[header - number_size + i];
  }
  const bssl::UniquePtr<EVP_AEAD_CTX> aead{
      EVP_AEAD_CTX_new(EVP_aead_aes_128_gcm(), octets(std::span{key_}), key_.size(), tag_size)};
  std::string padded{frames};
  padded.resize(std::max(padded.size(), 2 * tag_size), '\0');  // PADDING frames
  packet.resize(header + padded.size() + tag_size);
  std::size_t written = 0;
  REQUIRE(EVP_AEAD_CTX_seal(aead.get(), octets(std::span{packet}.subspan(header)), &written,
                            packet.size() - header, octets(std::span{nonce}), nonce.size(),
                            octets(as_bytes(padded)), padded.size(), octets(std::span{packet}),
                            header) == 1);
  std::array<std::uint8_t, AES_BLOCK_SIZE> mask{};
  AES_KEY key;
  AES_set_encrypt_key(octets(std::span{header_key_}), 128, &key);
  AES_encrypt(octets(std::span{packet}.subspan(header)), mask.data(), &key);
  packet[0] ^= static_cast<std::byte>(mask[0] & 0x1fU);
  for (std::size_t i = 0; i < number_size; ++i) {
    packet[header - number_size + i] ^= static_cast<std::byte>(mask[1 + i]);
  }
  return packet;
}

quic::Config HostileWorld::settings() {
  quic::Config config;
  config.alpn = {"echo"};
  return config;
}

HostileWorld::HostileWorld(const quic::Config& server_config)
    : network(1),
      tls_(Tls::self_signed().value()),
      listener_(network.host("10.0.0.1"), tls_, server_config) {
  REQUIRE(listener_.listen("10.0.0.1:4433").has_value());
  listener_.on_connection([this](Connection peer) {
    if (!victim) {
      victim = peer;
      peer.on_closed([this](const Error& reason) { closed = reason; });
    }
    peer.on_stream([](Stream stream) {
      stream.on_data([stream](Bytes chunk, bool last) { return stream.write(chunk, last); });
    });
  });
  network.tap([this](const io::Observation& seen) {
    const Path& path = seen.datagram.path;
    if (path.local.host() == "10.0.0.1" && path.remote.host() == "10.0.0.2") {
      answered += seen.fate == io::Fate::delivered ? seen.datagram.payload.size() : 0;
    }
  });
  begin();
}

HostileWorld::~HostileWorld() = default;

/// An ordinary handshake; then the hostile client's own packets are lost, for ever.
void HostileWorld::begin() {
  auto client_tls = Tls::client_from_pem(tls_.certificate_pem()).value();
  client_tls.set_key_log([this](std::string_view line) {
    if (line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) {
      secret_ = line.substr(line.rfind(' ') + 1);
    }
  });
  hostile_ = std::make_unique<Dialer>(network.host("10.0.0.2"), std::move(client_tls), settings());
  Connection peer;
  REQUIRE(hostile_
              ->connect("10.0.0.1:4433", "localhost",
                        [&peer](Result<Connection> connected) { peer = connected.value(); })
              .has_value());
  network.intercept([this](const Datagram& leaving) {
    constexpr std::byte long_header{0x80};
    const bool is_hostile = leaving.path.local.host() == "10.0.0.2";
    if (is_hostile && (leaving.payload[0] & long_header) == std::byte{}) {
      const Bytes id = leaving.payload.subspan(1, cid_size);
      destination_id_.assign(id.begin(), id.end());
      path_ = leaving.path;
    }
    return !is_hostile || !forger_;
  });
  REQUIRE(network.run_until([&] { return peer && victim && !destination_id_.empty(); }, 5s));
  network.run_for(2s);  // all of the handshake, and the search for the path's size
  if (peer.tls().cipher != "TLS_AES_128_GCM_SHA256") SKIP("the processor has no AES");
  forger_.emplace(from_hex(secret_), destination_id_);
  answered = 0;
}

void HostileWorld::attack(std::string_view frames) {
  const std::vector<std::byte> packet = forger_->seal(frames, number_++);
  sent += packet.size();
  network.inject({.path = path_, .payload = packet});
}

Duration HostileWorld::honest_exchange() {
  constexpr std::size_t size = 100'000;
  honest_ = std::make_unique<Dialer>(
      network.host("10.0.0.3"), Tls::client_from_pem(tls_.certificate_pem()).value(), settings());
  const Time start = network.now();
  std::size_t returned = 0;
  REQUIRE(honest_
              ->connect("10.0.0.1:4433", "localhost",
                        [&returned](Result<Connection> peer) {
                          const Stream stream = peer.value().open_stream().value();
                          stream.on_data([&returned](Bytes chunk, bool) {
                            returned += chunk.size();
                            return chunk.size();
                          });
                          REQUIRE(stream.write_shared(std::string(size, 'h'), true));
                        })
              .has_value());
  REQUIRE(network.run_until([&] { return returned == size; }, 1min));
  const Duration took = network.now() - start;
  honest_.reset();
  return took;
}

}  // namespace quoin::test
