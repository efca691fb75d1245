// SPDX-License-Identifier: MIT
/// QPACK (RFC 9204) on its own: field sections to bytes and back, for whoever has streams but no
/// h3::Session, a proxy or a test say. A session brings its own; see h3::Config for its settings.
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

/// What a decoder allows the encoder that talks to it (RFC 9204 §5). In HTTP/3 it says so in its
/// SETTINGS; both sides must be given the same numbers.
struct QpackLimits {
  /// Bytes of the dynamic table, 0 to 2^30. 0: there is none, only the static table is used, and no
  /// section ever waits for another.
  std::size_t capacity = 4096;
  /// Streams whose sections may wait for the dynamic table, 0 to 2^16.
  std::size_t blocked_streams = 100;
};

/// Settings of a QpackEncoder.
struct QpackEncoderConfig {
  QpackLimits peer{};               ///< what the decoder allows
  std::size_t max_capacity = 4096;  ///< bytes of its dynamic table that are used at most
};

/// Makes bytes of field sections. Fields with Field::never_index are sent as literals that no table
/// on the way may keep (RFC 9204 §7.1); Headers sets that flag itself for `authorization`,
/// `proxy-authorization`, `set-cookie` and short `cookie` values.
class QUOIN_EXPORT QpackEncoder {
 public:
  /// `seed` is a number that no peer can guess; it keys the table of streams. Settings out of range
  /// are cut to it.
  explicit QpackEncoder(std::uint64_t seed, const QpackEncoderConfig& config = {});
  QpackEncoder(const QpackEncoder&) = delete;
  QpackEncoder& operator=(const QpackEncoder&) = delete;
  ~QpackEncoder();

  /// The encoded section, for the stream with this ID, which ends up in Section Acknowledgments.
  /// Take poll_instructions() after it. Errors: UsageError::invalid_argument for a negative ID,
  /// else what handle_instructions() failed with.
  [[nodiscard]] Result<std::string> encode(quic::StreamId stream, const Headers& headers);
  /// What goes onto the encoder stream, in order and once each; empty if there is nothing. It must
  /// be sent, if not before the section that encode() returned.
  [[nodiscard]] std::string poll_instructions();
  /// Takes what came on the peer's decoder stream, in pieces of any size.
  /// Errors: HttpError::qpack_decoder_stream_error; the connection must be closed with it, and the
  /// encoder does nothing any more.
  [[nodiscard]] Result<> handle_instructions(Bytes data);
  /// The streams with sections that may wait for the dynamic table at the peer.
  [[nodiscard]] std::size_t blocked_streams() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Settings of a QpackDecoder.
struct QpackDecoderConfig {
  QpackLimits limits{};                   ///< as the encoder was told
  std::size_t max_section = 64 * 1024;    ///< Headers::section_size() of a section at most
  std::size_t max_fields = 128;           ///< fields of a section at most
  std::size_t max_waiting = 1024 * 1024;  ///< bytes of encoded sections that may wait altogether
};

/// A section that is decoded.
struct QpackSection {
  quic::StreamId stream = quic::no_stream;  ///< as handle_section() was told
  /// The fields. Error: HttpError::excessive_load if they are beyond
  /// QpackDecoderConfig::max_section or max_fields; only this section is lost then.
  Result<Headers> headers{};
};

/// Makes field sections of bytes. It checks the encoding and the limits, not the fields: see
/// is_valid_field_name() and is_valid_field_value().
class QUOIN_EXPORT QpackDecoder {
 public:
  /// Settings out of range are cut to it.
  explicit QpackDecoder(const QpackDecoderConfig& config = {});
  QpackDecoder(const QpackDecoder&) = delete;
  QpackDecoder& operator=(const QpackDecoder&) = delete;
  ~QpackDecoder();

  /// Takes a whole encoded section of the stream with this ID. What becomes of it is told by
  /// poll_section(), at once or after later instructions.
  /// Errors: HttpError::qpack_decompression_failed (also for more waiting streams than
  /// QpackLimits::blocked_streams) and excessive_load (beyond QpackDecoderConfig::max_waiting); the
  /// connection must be closed with them, and the decoder does nothing any more.
  /// UsageError::invalid_argument for a negative ID.
  [[nodiscard]] Result<> handle_section(quic::StreamId stream, Bytes section);
  /// Takes what came on the peer's encoder stream, in pieces of any size. Errors:
  /// HttpError::qpack_encoder_stream_error, and those of handle_section() for a section that
  /// waited.
  [[nodiscard]] Result<> handle_instructions(Bytes data);
  /// The next section that is decoded. Those of one stream come in the order in which they were
  /// given; one that waits holds back the others of its stream only.
  [[nodiscard]] std::optional<QpackSection> poll_section();
  /// What goes onto the decoder stream, in order and once each; empty if there is nothing.
  [[nodiscard]] std::string poll_instructions();
  /// Forgets what waits on a stream that was given up, and tells the encoder so
  /// (Stream Cancellation, RFC 9204 §4.4.2).
  void cancel(quic::StreamId stream);
  /// The streams that wait for instructions.
  [[nodiscard]] std::size_t blocked_streams() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0::h3
