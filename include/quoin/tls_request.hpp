// SPDX-License-Identifier: MIT
/// What a handshake waits for when certificates or private keys are kept elsewhere: in a database,
/// a hardware module or another machine. Not needed if the Tls has its certificate and key.
#pragma once

#include <quoin/version.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quoin::inline v0 {

/// How to sign; the numbers are TLS's (RFC 8446 §4.2.3). The scheme follows from the certificate's
/// public key and from what the client accepts.
enum class SignatureScheme : std::uint16_t {
  ecdsa_secp256r1_sha256 = 0x0403,  ///< the signature is an ASN.1 Ecdsa-Sig-Value
  ecdsa_secp384r1_sha384 = 0x0503,  ///< the same
  ecdsa_secp521r1_sha512 = 0x0603,  ///< the same
  rsa_pss_rsae_sha256 = 0x0804,     ///< the salt is as long as the digest
  rsa_pss_rsae_sha384 = 0x0805,     ///< the same
  rsa_pss_rsae_sha512 = 0x0806,     ///< the same
  ed25519 = 0x0807,                 ///< over the bytes themselves, not a digest
};

/// Names something that a connection waits for; never reused during the life of the endpoint. An
/// opaque value to store and hand back.
struct TlsRequestId {
  std::uint32_t slot = 0;        ///< of the waiting connection
  std::uint32_t generation = 0;  ///< the same
  std::uint64_t number = 0;      ///< counts from 1 for each endpoint; 0: names nothing

  friend auto operator<=>(const TlsRequestId&, const TlsRequestId&) = default;
};

/// What a server's connection waits for. It comes at most once as a `certificate` and after that
/// once as a `signature`; a resumed session needs no signature. Until it is answered the handshake
/// is paused, for at most quic::Config::handshake_timeout.
struct TlsRequest {
  /// What is needed.
  enum class Type : std::uint8_t {
    certificate,  ///< of a Tls::server_on_demand(): quic::Endpoint::give_certificate()
    signature,    ///< of a Tls::server_without_key(): quic::Endpoint::give_signature()
  };

  Type type{};                       ///< what is needed
  TlsRequestId id{};                 ///< to answer with
  std::string server_name{};         ///< SNI in lower case, otherwise as sent; may be empty
  std::vector<std::string> alpn{};   ///< certificate: the protocols that the client offers
  SignatureScheme scheme{};          ///< signature: how to sign
  std::vector<std::byte> input{};    ///< signature: the bytes to sign, not their digest
  std::string certificate_sha256{};  ///< signature: whose key it is, see Tls::certificate_sha256()
};

}  // namespace quoin::inline v0
