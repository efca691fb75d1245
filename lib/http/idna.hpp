// SPDX-License-Identifier: MIT
/// Host names beyond ASCII (RFC 5891, UTS 46 without its transitional part), by libidn2 if the
/// build has it. Not public: URLs are where such names come in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quoin::inline v0 {

/// The build has libidn2.
[[nodiscard]] bool has_idna() noexcept;

/// The name as DNS and certificates have it, its labels beyond ASCII beginning with "xn--". `host`
/// is UTF-8, of any size. Nothing if no such name may exist, or without libidn2. What comes out may
/// still be no host name, or an IPv4 address.
[[nodiscard]] std::optional<std::string> to_ascii_host(std::string_view host);

}  // namespace quoin::inline v0
