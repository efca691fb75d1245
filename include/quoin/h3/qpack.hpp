// SPDX-License-Identifier: MIT
/// QPACK (RFC 9204) on its own: field sections to bytes and back, for programs with streams but no
/// h3::Session, such as a proxy or a test. A session has its own; see h3::Config for its settings.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/application.hpp>

namespace quoin::inline v0::h3 {

/// What a decoder allows its encoder (RFC 9204 §5). In HTTP/3 its SETTINGS announce it; both sides
/// must be given the same numbers.
struct QpackLimits {
  /// Bytes of the dynamic table, 0 to 2^30. 0: none; only the static table is used, and no section
  /// ever waits for another.
  std::size_t capacity = 4096;
  /// Streams whose sections may wait for the dynamic table, 0 to 2^16.
  std::size_t blocked_streams = 100;
};

/// Settings of a QpackEncoder.
struct QpackEncoderConfig {
  QpackLimits peer{};               ///< what the decoder allows
  std::size_t max_capacity = 4096;  ///< the most bytes of its dynamic table to use
};

/// Encodes field sections. Fields with Field::never_index are sent as literals that no table on the
/// way may keep (RFC 9204 §7.1); Headers sets that flag itself for `authorization`,
/// `proxy-authorization`, `set-cookie` and short `cookie` values.
class QUOIN_EXPORT QpackEncoder {
 public:
  /// `seed` is a number that no peer can guess; it keys the table of streams. Settings out of range
  /// are clamped.
  explicit QpackEncoder(std::uint64_t seed, const QpackEncoderConfig& config = {});
  QpackEncoder(const QpackEncoder&) = delete;
  QpackEncoder& operator=(const QpackEncoder&) = delete;
  ~QpackEncoder();

  /// The encoded section, for the stream with this ID, which ends up in Section Acknowledgments.
  /// Take poll_instructions() after it. Errors: UsageError::invalid_argument for a negative ID,
  /// else what handle_instructions() failed with.
  [[nodiscard]] Result<std::string> encode(quic::StreamId stream, const Headers& headers);
  /// What to send on the encoder stream, in order and once each; empty if nothing. It must be sent,
  /// though not necessarily before the section that encode() returned.
  [[nodiscard]] std::string poll_instructions();
  /// Takes data from the peer's decoder stream, in pieces of any size. Errors:
  /// HttpError::qpack_decoder_stream_error; the connection must be closed with it, and the encoder
  /// does nothing from then on.
  [[nodiscard]] Result<> handle_instructions(Bytes data);
  /// The streams with sections that may wait for the dynamic table at the peer.
  [[nodiscard]] std::size_t blocked_streams() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Settings of a QpackDecoder.
struct QpackDecoderConfig {
  QpackLimits limits{};                   ///< as given to the encoder
  std::size_t max_section = 64 * 1024;    ///< the largest Headers::section_size() of a section
  std::size_t max_fields = 128;           ///< the most fields of a section
  std::size_t max_waiting = 1024 * 1024;  ///< bytes of encoded sections that may wait, in total
};

/// A decoded section.
struct QpackSection {
  quic::StreamId stream = quic::no_stream;  ///< as passed to handle_section()
  /// The fields. Error: HttpError::excessive_load if they are beyond
  /// QpackDecoderConfig::max_section or max_fields; only this section is lost then.
  Result<Headers> headers{};
};

/// Decodes field sections. It checks the encoding and the limits, not the fields: see
/// is_valid_field_name() and is_valid_field_value().
class QUOIN_EXPORT QpackDecoder {
 public:
  /// Settings out of range are clamped.
  explicit QpackDecoder(const QpackDecoderConfig& config = {});
  QpackDecoder(const QpackDecoder&) = delete;
  QpackDecoder& operator=(const QpackDecoder&) = delete;
  ~QpackDecoder();

  /// Takes a whole encoded section of the stream with this ID. poll_section() returns the result,
  /// at once or after later instructions. Errors: HttpError::qpack_decompression_failed (also for
  /// more waiting streams than QpackLimits::blocked_streams) and excessive_load (beyond
  /// QpackDecoderConfig::max_waiting); the connection must be closed with them, and the decoder
  /// does nothing from then on. UsageError::invalid_argument for a negative ID.
  [[nodiscard]] Result<> handle_section(quic::StreamId stream, Bytes section);
  /// Takes data from the peer's encoder stream, in pieces of any size. Errors:
  /// HttpError::qpack_encoder_stream_error, and those of handle_section() for a section that
  /// waited.
  [[nodiscard]] Result<> handle_instructions(Bytes data);
  /// The next decoded section. Those of one stream come in the order they were given; a waiting one
  /// holds back only the others of its stream.
  [[nodiscard]] std::optional<QpackSection> poll_section();
  /// What to send on the decoder stream, in order and once each; empty if nothing.
  [[nodiscard]] std::string poll_instructions();
  /// Forgets what waits on an abandoned stream, and tells the encoder (Stream Cancellation, RFC
  /// 9204 §4.4.2).
  void cancel(quic::StreamId stream);
  /// The number of streams waiting for instructions.
  [[nodiscard]] std::size_t blocked_streams() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0::h3
