// SPDX-License-Identifier: MIT
/// What ngtcp2 wants of a TLS library, without one: messages that carry transport parameters, keys
/// that are numbers. Not safe, and not random.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <ngtcp2/ngtcp2.h>

namespace quoin::probe {

/// Everything that is sent, and one byte of it every token.
extern const std::array<std::uint8_t, 65536> zeros;

/// Fails the probe that runs when ngtcp2 says that something is wrong.
void check(int result, const char* what);

[[nodiscard]] ngtcp2_cid fresh_cid(std::size_t size);

/// For connections whose user data are an End.
[[nodiscard]] ngtcp2_callbacks callbacks();

}  // namespace quoin::probe
