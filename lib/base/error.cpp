// SPDX-License-Identifier: MIT
/// Names and texts of errors.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/error.hpp>

namespace quoin::inline v0 {
namespace {

/// A code and its name as in its RFC.
struct Name {
  std::uint64_t code;
  std::string_view text;
};

constexpr std::array transport_names{
    Name{0x00, "NO_ERROR"},
    Name{0x01, "INTERNAL_ERROR"},
    Name{0x02, "CONNECTION_REFUSED"},
    Name{0x03, "FLOW_CONTROL_ERROR"},
    Name{0x04, "STREAM_LIMIT_ERROR"},
    Name{0x05, "STREAM_STATE_ERROR"},
    Name{0x06, "FINAL_SIZE_ERROR"},
    Name{0x07, "FRAME_ENCODING_ERROR"},
    Name{0x08, "TRANSPORT_PARAMETER_ERROR"},
    Name{0x09, "CONNECTION_ID_LIMIT_ERROR"},
    Name{0x0a, "PROTOCOL_VIOLATION"},
    Name{0x0b, "INVALID_TOKEN"},
    Name{0x0c, "APPLICATION_ERROR"},
    Name{0x0d, "CRYPTO_BUFFER_EXCEEDED"},
    Name{0x0e, "KEY_UPDATE_ERROR"},
    Name{0x0f, "AEAD_LIMIT_REACHED"},
    Name{0x10, "NO_VIABLE_PATH"},
    Name{0x11, "VERSION_NEGOTIATION_ERROR"},
};

constexpr std::array http3_names{
    Name{0x33, "H3_DATAGRAM_ERROR"},           Name{0x100, "H3_NO_ERROR"},
    Name{0x101, "H3_GENERAL_PROTOCOL_ERROR"},  Name{0x102, "H3_INTERNAL_ERROR"},
    Name{0x103, "H3_STREAM_CREATION_ERROR"},   Name{0x104, "H3_CLOSED_CRITICAL_STREAM"},
    Name{0x105, "H3_FRAME_UNEXPECTED"},        Name{0x106, "H3_FRAME_ERROR"},
    Name{0x107, "H3_EXCESSIVE_LOAD"},          Name{0x108, "H3_ID_ERROR"},
    Name{0x109, "H3_SETTINGS_ERROR"},          Name{0x10a, "H3_MISSING_SETTINGS"},
    Name{0x10b, "H3_REQUEST_REJECTED"},        Name{0x10c, "H3_REQUEST_CANCELLED"},
    Name{0x10d, "H3_REQUEST_INCOMPLETE"},      Name{0x10e, "H3_MESSAGE_ERROR"},
    Name{0x10f, "H3_CONNECT_ERROR"},           Name{0x110, "H3_VERSION_FALLBACK"},
    Name{0x200, "QPACK_DECOMPRESSION_FAILED"}, Name{0x201, "QPACK_ENCODER_STREAM_ERROR"},
    Name{0x202, "QPACK_DECODER_STREAM_ERROR"},
};

// RFC 8446 §6, RFC 7301 §3.2 and the alerts of earlier versions that stacks still send.
constexpr std::array alert_names{
    Name{0, "close_notify"},
    Name{10, "unexpected_message"},
    Name{20, "bad_record_mac"},
    Name{22, "record_overflow"},
    Name{40, "handshake_failure"},
    Name{42, "bad_certificate"},
    Name{43, "unsupported_certificate"},
    Name{44, "certificate_revoked"},
    Name{45, "certificate_expired"},
    Name{46, "certificate_unknown"},
    Name{47, "illegal_parameter"},
    Name{48, "unknown_ca"},
    Name{49, "access_denied"},
    Name{50, "decode_error"},
    Name{51, "decrypt_error"},
    Name{70, "protocol_version"},
    Name{71, "insufficient_security"},
    Name{80, "internal_error"},
    Name{86, "inappropriate_fallback"},
    Name{90, "user_canceled"},
    Name{109, "missing_extension"},
    Name{110, "unsupported_extension"},
    Name{112, "unrecognized_name"},
    Name{113, "bad_certificate_status_response"},
    Name{115, "unknown_psk_identity"},
    Name{116, "certificate_required"},
    Name{120, "no_application_protocol"},
    Name{121, "ech_required"},
};

constexpr std::array local_names{
    Name{1, "IDLE_TIMEOUT"},
    Name{2, "HANDSHAKE_TIMEOUT"},
    Name{3, "NO_ANSWER"},
    Name{4, "STATELESS_RESET"},
    Name{5, "VERSION_NEGOTIATION"},
    Name{6, "NAME_RESOLUTION"},
    Name{7, "CERTIFICATE_NAME"},
    Name{8, "CERTIFICATE_EXPIRED"},
    Name{9, "CERTIFICATE_UNTRUSTED"},
    Name{10, "CERTIFICATE_INVALID"},
    Name{11, "REQUEST_TIMEOUT"},
    Name{12, "CONNECTION_DRAINING"},
    Name{13, "CERTIFICATE_PIN"},
};

constexpr std::array usage_names{
    Name{1, "INVALID_ARGUMENT"}, Name{2, "STALE_HANDLE"}, Name{3, "CLOSED"},
    Name{4, "LIMIT_REACHED"},    Name{5, "TOO_LARGE"},    Name{6, "UNSUPPORTED"},
};

/// Empty for a code that is not in the list.
std::string_view find_name(std::span<const Name> names, std::uint64_t code) noexcept {
  for (const Name& name : names) {
    if (name.code == code) return name.text;
  }
  return {};
}

std::string_view errno_name(std::uint64_t code) noexcept {
  const char* name = code < 4096 ? strerrorname_np(static_cast<int>(code)) : nullptr;
  return name == nullptr ? std::string_view{} : std::string_view{name};
}

/// Empty for a code without a name of its own.
std::string_view known_name(Error::Domain domain, std::uint64_t code) noexcept {
  switch (domain) {
    case Error::Domain::transport:
      return find_name(transport_names, code);
    case Error::Domain::application:
      return {};
    case Error::Domain::tls:
      return find_name(alert_names, code);
    case Error::Domain::http:
      return find_name(http3_names, code);
    case Error::Domain::system:
      return errno_name(code);
    case Error::Domain::local:
      return find_name(local_names, code);
    case Error::Domain::usage:
      return find_name(usage_names, code);
  }
  return {};
}

std::string_view fallback_name(Error::Domain domain) noexcept {
  switch (domain) {
    case Error::Domain::application:
      return "APPLICATION_CODE";
    case Error::Domain::tls:
      return "TLS_ALERT";
    case Error::Domain::http:
      return "H3_UNKNOWN_ERROR";
    case Error::Domain::system:
      return "UNKNOWN_ERRNO";
    case Error::Domain::transport:
    case Error::Domain::local:
    case Error::Domain::usage:
      break;
  }
  return "UNKNOWN_ERROR";
}

/// A decoded UTF-8 sequence; size 0 if the bytes are invalid.
struct Rune {
  char32_t value = 0;
  std::size_t size = 0;
};

Rune decode_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char head = byte(0);
  if (head < 0x80) return {head, 1};
  const std::size_t size = (head & 0xe0) == 0xc0   ? 2
                           : (head & 0xf0) == 0xe0 ? 3
                           : (head & 0xf8) == 0xf0 ? 4
                                                   : 0;
  if (size == 0 || text.size() < size) return {};
  char32_t value = head & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = (value << 6U) | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < smallest[size] || value > 0x10ffff || surrogate) return {};
  return {value, size};
}

/// Control characters, and marks that reorder what a terminal shows.
bool is_printable(char32_t rune) noexcept {
  const bool control = rune < 0x20 || (rune >= 0x7f && rune <= 0x9f);
  const bool line_end = rune == 0x2028 || rune == 0x2029;
  const bool direction = (rune >= 0x200b && rune <= 0x200f) || (rune >= 0x202a && rune <= 0x202e) ||
                         (rune >= 0x2066 && rune <= 0x2069) || rune == 0xfeff;
  return !control && !line_end && !direction;
}

void append_hex(std::string& out, std::uint64_t value, int digits) {
  constexpr std::string_view alphabet = "0123456789abcdef";
  while (digits < 16 && (value >> (4U * static_cast<unsigned>(digits))) != 0) ++digits;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    out.push_back(alphabet[(value >> static_cast<unsigned>(shift)) & 0xfU]);
  }
}

/// Text from peers and file names ends up here: what a terminal would obey is written as \xNN.
std::string make_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = decode_utf8(text);
    const std::size_t size = rune.size == 0 ? 1 : rune.size;
    if (rune.size != 0 && is_printable(rune.value)) {
      out.append(text.substr(0, size));
    } else {
      for (const char c : text.substr(0, size)) {
        out.append("\\x");
        append_hex(out, static_cast<unsigned char>(c), 2);
      }
    }
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace

Error::Error(Domain domain, std::uint64_t code, std::string_view detail)
    : domain_(domain), code_(code) {
  if (!detail.empty()) {
    detail_ = std::make_shared<const std::string>(make_printable(detail));
  }
}

Error::Error(TransportError code, std::string_view detail)
    : Error(Domain::transport, static_cast<std::uint64_t>(code), detail) {}

Error::Error(HttpError code, std::string_view detail)
    : Error(Domain::http, static_cast<std::uint64_t>(code), detail) {}

Error::Error(LocalError code, std::string_view detail)
    : Error(Domain::local, static_cast<std::uint64_t>(code), detail) {}

Error::Error(UsageError code, std::string_view detail)
    : Error(Domain::usage, static_cast<std::uint64_t>(code), detail) {}

std::string_view Error::name() const noexcept {
  const std::string_view known = known_name(domain_, code_);
  return known.empty() ? fallback_name(domain_) : known;
}

std::string_view Error::detail() const noexcept {
  return detail_ == nullptr ? std::string_view{} : std::string_view{*detail_};
}

std::string Error::message() const {
  std::string out;
  if (domain_ == Domain::tls) out = "TLS alert ";
  out.append(name());
  if (known_name(domain_, code_).empty()) {
    out.append(" 0x");
    append_hex(out, code_, 1);
  }
  if (detail_ != nullptr) out.append(": ").append(*detail_);
  return out;
}

}  // namespace quoin::inline v0
