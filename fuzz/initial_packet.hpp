// SPDX-License-Identifier: MIT
/// Wraps frames into a protected Initial packet (RFC 9001 §5.2), whose keys everybody can know, so
/// that a fuzzer's bytes get past the packet protection to the frame parser. QUIC version 1 only.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <openssl/aead.h>
#include <openssl/aes.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>

#include <quoin/bytes.hpp>

namespace quoin::fuzz {

/// Who sends an Initial to whom.
struct InitialRoute {
  std::string key_cid;      ///< what the client first sent as destination: the keys come from it
  std::string destination;  ///< of this packet
  std::string source;       ///< of this packet
  bool from_client = true;
};

namespace initial {

using Secret = std::array<std::uint8_t, 32>;

inline const std::uint8_t* octets(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

/// HKDF-Expand-Label of TLS 1.3 with an empty context (RFC 8446 §7.1).
template <std::size_t size>
std::array<std::uint8_t, size> expand(const Secret& secret, std::string_view label) {
  std::string info{'\0', static_cast<char>(size), static_cast<char>(6 + label.size())};
  info.append("tls13 ").append(label).append(1, '\0');
  std::array<std::uint8_t, size> out{};
  HKDF_expand(out.data(), out.size(), EVP_sha256(), secret.data(), secret.size(), octets(info),
              info.size());
  return out;
}

inline Secret secret_of(const InitialRoute& route) {
  // RFC 9001 §5.2.
  constexpr std::string_view salt =
      "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
  Secret common{};
  std::size_t size = common.size();
  HKDF_extract(common.data(), &size, EVP_sha256(), octets(route.key_cid), route.key_cid.size(),
               octets(salt), salt.size());
  return expand<32>(common, route.from_client ? "client in" : "server in");
}

}  // namespace initial

/// One datagram with one Initial packet that carries `frames`, padded to 1200 bytes.
inline std::string make_initial(const InitialRoute& route, std::uint8_t number, Bytes frames) {
  constexpr std::size_t datagram = 1200;
  constexpr std::size_t tag = 16;
  constexpr std::size_t number_size = 4;
  std::string header = "\xc3";
  header.append(std::string_view{"\0\0\0\1", 4});
  header.append(1, static_cast<char>(route.destination.size())).append(route.destination);
  header.append(1, static_cast<char>(route.source.size())).append(route.source);
  header.append(1, '\0');  // no token
  const std::size_t number_offset = header.size() + 2;
  const std::size_t length = datagram - number_offset;
  header.append(1, static_cast<char>(0x40U | (length >> 8U))).append(1, static_cast<char>(length));
  header.append(3, '\0').append(1, static_cast<char>(number));

  std::string plain{as_text(frames.first(std::min(frames.size(), length - number_size - tag)))};
  plain.resize(length - number_size - tag, '\0');  // PADDING
  const initial::Secret secret = initial::secret_of(route);
  const auto key = initial::expand<16>(secret, "quic key");
  auto nonce = initial::expand<12>(secret, "quic iv");
  nonce.back() ^= number;

  std::string packet = header + std::string(plain.size() + tag, '\0');
  auto* const out = reinterpret_cast<std::uint8_t*>(packet.data());
  std::size_t written = 0;
  EVP_AEAD_CTX context;
  EVP_AEAD_CTX_init(&context, EVP_aead_aes_128_gcm(), key.data(), key.size(), tag, nullptr);
  EVP_AEAD_CTX_seal(&context, out + header.size(), &written, plain.size() + tag, nonce.data(),
                    nonce.size(), initial::octets(plain), plain.size(), initial::octets(header),
                    header.size());
  EVP_AEAD_CTX_cleanup(&context);

  // Header protection (RFC 9001 §5.4.3).
  const auto header_key = initial::expand<16>(secret, "quic hp");
  AES_KEY schedule;
  AES_set_encrypt_key(header_key.data(), 128, &schedule);
  std::array<std::uint8_t, 16> mask{};
  AES_encrypt(out + number_offset + 4, mask.data(), &schedule);
  out[0] = static_cast<std::uint8_t>(out[0] ^ (mask[0] & 0x0fU));
  for (std::size_t i = 0; i < number_size; ++i) out[number_offset + i] ^= mask[i + 1];
  return packet;
}

}  // namespace quoin::fuzz
