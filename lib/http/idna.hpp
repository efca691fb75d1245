// SPDX-License-Identifier: MIT
/// Host names beyond ASCII (RFC 5891, UTS 46 without its transitional part), by libidn2 if the
/// build has it. Not public: such names come from URLs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quoin::inline v0 {

/// The build has libidn2.
[[nodiscard]] bool has_idna() noexcept;

/// The name as DNS and certificates have it, its labels beyond ASCII beginning with "xn--". `host`
/// is UTF-8, of any size. Nothing if the name is not allowed, or without libidn2. The result may
/// still not be a host name, or be an IPv4 address.
[[nodiscard]] std::optional<std::string> to_ascii_host(std::string_view host);

}  // namespace quoin::inline v0
