// SPDX-License-Identifier: MIT
/// See idna.hpp. The only place that knows libidn2.
#include "http/idna.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#ifdef QUOIN_HAS_IDNA
#include <cstdint>
#include <idn2.h>
#include <memory>
#endif

namespace quoin::inline v0 {

#ifdef QUOIN_HAS_IDNA

bool has_idna() noexcept { return true; }

std::optional<std::string> to_ascii_host(std::string_view host) {
  // No valid name is longer, so longer ones are not converted.
  constexpr std::size_t longest = std::size_t{4} * 253;
  if (host.size() > longest || host.contains('\0')) return std::nullopt;

  struct Free {
    void operator()(std::uint8_t* text) const noexcept { idn2_free(text); }
  };

  const std::string text{host};
  std::uint8_t* made = nullptr;
  const int result = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(text.c_str()), &made,
                                    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<std::uint8_t, Free> owned{made};
  if (result != IDN2_OK || made == nullptr) return std::nullopt;
  return std::string{reinterpret_cast<const char*>(made)};
}

#else

bool has_idna() noexcept { return false; }

std::optional<std::string> to_ascii_host(std::string_view) { return std::nullopt; }

#endif

}  // namespace quoin::inline v0
