// SPDX-License-Identifier: MIT
/// QPACK without a connection, on nghttp3's encoder and decoder.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nghttp3/nghttp3.h>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/qpack.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/application.hpp>

#include "h3/fields.hpp"

namespace quoin::inline v0::h3 {
namespace {

constexpr std::size_t most_capacity = std::size_t{1} << 30;
constexpr std::size_t most_streams = std::size_t{1} << 16;

Error to_error(std::int64_t nghttp3_error) {
  const int code = static_cast<int>(nghttp3_error);
  return {static_cast<HttpError>(nghttp3_err_infer_quic_app_error_code(code)),
          nghttp3_strerror(code)};
}

std::unexpected<Error> negative_stream() {
  return std::unexpected(Error{UsageError::invalid_argument, "a stream ID cannot be negative"});
}

/// A buffer that nghttp3 fills.
class Buffer {
 public:
  Buffer() noexcept { nghttp3_buf_init(&raw_); }

  explicit Buffer(std::size_t size) : Buffer() {
    room_.resize(size);
    auto* const begin = reinterpret_cast<std::uint8_t*>(room_.data());
    raw_ = {.begin = begin, .end = begin + size, .pos = begin, .last = begin};
  }

  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  ~Buffer() {
    if (room_.empty()) nghttp3_buf_free(&raw_, nghttp3_mem_default());
  }

  [[nodiscard]] nghttp3_buf* get() noexcept { return &raw_; }

  [[nodiscard]] std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(raw_.pos), nghttp3_buf_len(&raw_)};
  }

 private:
  nghttp3_buf raw_{};
  std::vector<std::byte> room_;
};

}  // namespace

struct QpackEncoder::Impl {
  struct Deleter {
    void operator()(nghttp3_qpack_encoder* pointer) const noexcept {
      nghttp3_qpack_encoder_del(pointer);
    }
  };

  std::unique_ptr<nghttp3_qpack_encoder, Deleter> encoder;
  std::string instructions;
  std::optional<Error> failure;
  std::vector<nghttp3_nv> fields;  // scratch
};

QpackEncoder::QpackEncoder(std::uint64_t seed, const QpackEncoderConfig& config)
    : impl_(std::make_unique<Impl>()) {
  const std::size_t capacity = std::min(config.peer.capacity, most_capacity);
  nghttp3_qpack_encoder* made = nullptr;
  // The required insert count is encoded by the peer's capacity, not by what we use of it (RFC 9204
  // §4.5.1.1).
  const int result = nghttp3_qpack_encoder_new2(&made, capacity, seed, nghttp3_mem_default());
  impl_->encoder.reset(made);
  if (result != 0) {
    impl_->failure = to_error(result);
    return;
  }
  nghttp3_qpack_encoder_set_max_dtable_capacity(made, std::min(config.max_capacity, capacity));
  nghttp3_qpack_encoder_set_max_blocked_streams(
      made, std::min(config.peer.blocked_streams, most_streams));
}

QpackEncoder::~QpackEncoder() = default;

Result<std::string> QpackEncoder::encode(quic::StreamId stream, const Headers& headers) {
  if (impl_->failure) return std::unexpected(*impl_->failure);
  if (number(stream) < 0) return negative_stream();
  const auto fields = to_nghttp3(headers, impl_->fields);
  Buffer prefix;
  Buffer lines;
  Buffer instructions;
  const int result = nghttp3_qpack_encoder_encode(impl_->encoder.get(), prefix.get(), lines.get(),
                                                  instructions.get(), number(stream), fields.data(),
                                                  fields.size());
  if (result != 0) {
    impl_->failure = to_error(result);
    return std::unexpected(*impl_->failure);
  }
  impl_->instructions += instructions.view();
  std::string section{prefix.view()};
  section += lines.view();
  return section;
}

std::string QpackEncoder::poll_instructions() { return std::exchange(impl_->instructions, {}); }

Result<> QpackEncoder::handle_instructions(Bytes data) {
  if (impl_->failure) return std::unexpected(*impl_->failure);
  const nghttp3_ssize read =
      nghttp3_qpack_encoder_read_decoder(impl_->encoder.get(), octets(data), data.size());
  if (read >= 0) return {};
  impl_->failure = to_error(read);
  return std::unexpected(*impl_->failure);
}

std::size_t QpackEncoder::blocked_streams() const noexcept {
  if (impl_->encoder == nullptr) return 0;
  return nghttp3_qpack_encoder_get_num_blocked_streams(impl_->encoder.get());
}

struct QpackDecoder::Impl {
  struct Deleter {
    void operator()(nghttp3_qpack_decoder* pointer) const noexcept {
      nghttp3_qpack_decoder_del(pointer);
    }

    void operator()(nghttp3_qpack_stream_context* pointer) const noexcept {
      nghttp3_qpack_stream_context_del(pointer);
    }
  };

  using Context = std::unique_ptr<nghttp3_qpack_stream_context, Deleter>;

  /// A section that cannot be decoded yet; only the first of a stream has a context.
  struct Waiting {
    Context context;
    std::string rest;
  };

  explicit Impl(const QpackDecoderConfig& settings) : config(settings) {
    config.limits.capacity = std::min(config.limits.capacity, most_capacity);
    config.limits.blocked_streams = std::min(config.limits.blocked_streams, most_streams);
  }

  [[nodiscard]] Result<> begin(quic::StreamId stream, Bytes section);
  [[nodiscard]] Result<std::size_t> decode(quic::StreamId stream,
                                           nghttp3_qpack_stream_context& context, Bytes section);
  [[nodiscard]] Result<> advance();
  [[nodiscard]] Result<> advance(quic::StreamId stream, std::deque<Waiting>& queue);
  [[nodiscard]] Result<> wait(quic::StreamId stream, Context context, Bytes rest);
  [[nodiscard]] std::unexpected<Error> fail(Error error);
  void add(const nghttp3_qpack_nv& field, Headers& headers, bool& too_large) const;

  QpackDecoderConfig config;
  std::unique_ptr<nghttp3_qpack_decoder, Deleter> decoder;
  std::map<quic::StreamId, std::deque<Waiting>> waiting;
  std::size_t waiting_bytes = 0;
  std::deque<QpackSection> decoded;
  std::optional<Error> failure;
};

std::unexpected<Error> QpackDecoder::Impl::fail(Error error) {
  failure = std::move(error);
  waiting.clear();
  return std::unexpected(*failure);
}

void QpackDecoder::Impl::add(const nghttp3_qpack_nv& field, Headers& headers,
                             bool& too_large) const {
  const std::string_view name = to_text(field.name);
  const std::string_view value = to_text(field.value);
  const std::size_t size = headers.section_size() + name.size() + value.size() + field_overhead;
  too_large = too_large || size > config.max_section || headers.size() >= config.max_fields;
  if (!too_large) headers.add(name, value, (field.flags & NGHTTP3_NV_FLAG_NEVER_INDEX) != 0);
}

/// Decodes a whole section and returns 0, or the number of bytes left because it must wait.
Result<std::size_t> QpackDecoder::Impl::decode(quic::StreamId stream,
                                               nghttp3_qpack_stream_context& context,
                                               Bytes section) {
  Headers headers;
  bool too_large = false;
  while (true) {
    nghttp3_qpack_nv field{};
    std::uint8_t flags = 0;
    const nghttp3_ssize read = nghttp3_qpack_decoder_read_request(
        decoder.get(), &context, &field, &flags, octets(section), section.size(), 1);
    if (read < 0) return fail(to_error(read));
    section = section.subspan(static_cast<std::size_t>(read));
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) != 0) {
      // Nothing can follow a prefix that allows no references.
      if (section.empty()) return fail(to_error(NGHTTP3_ERR_QPACK_DECOMPRESSION_FAILED));
      return section.size();
    }
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) != 0) {
      add(field, headers, too_large);
      nghttp3_rcbuf_decref(field.name);
      nghttp3_rcbuf_decref(field.value);
    }
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) != 0) break;
    if (read == 0) return fail(to_error(NGHTTP3_ERR_QPACK_DECOMPRESSION_FAILED));
  }
  if (too_large) {
    decoded.push_back({stream, std::unexpected(Error{HttpError::excessive_load,
                                                     "too many or too large fields"})});
  } else {
    decoded.push_back({stream, std::move(headers)});
  }
  return 0;
}

Result<> QpackDecoder::Impl::begin(quic::StreamId stream, Bytes section) {
  nghttp3_qpack_stream_context* made = nullptr;
  const int result = nghttp3_qpack_stream_context_new(&made, number(stream), nghttp3_mem_default());
  if (result != 0) return fail(to_error(result));
  Context context{made};
  const Result<std::size_t> left = decode(stream, *context, section);
  if (!left) return std::unexpected(left.error());
  return *left == 0 ? Result<>{} : wait(stream, std::move(context), section.last(*left));
}

Result<> QpackDecoder::Impl::wait(quic::StreamId stream, Context context, Bytes rest) {
  waiting_bytes += rest.size();
  if (waiting_bytes > config.max_waiting) {
    return fail({HttpError::excessive_load, "too many bytes of field sections wait"});
  }
  waiting[stream].push_back({std::move(context), std::string{as_text(rest)}});
  if (waiting.size() > config.limits.blocked_streams) {
    return fail({HttpError::qpack_decompression_failed, "too many streams wait"});
  }
  return {};
}

/// Decodes what waited for instructions that have arrived.
Result<> QpackDecoder::Impl::advance() {
  for (auto place = waiting.begin(); place != waiting.end();) {
    if (auto result = advance(place->first, place->second); !result) return result;
    place = place->second.empty() ? waiting.erase(place) : std::next(place);
  }
  return {};
}

Result<> QpackDecoder::Impl::advance(quic::StreamId stream, std::deque<Waiting>& queue) {
  while (!queue.empty()) {
    Waiting& front = queue.front();
    if (front.context == nullptr) {
      nghttp3_qpack_stream_context* made = nullptr;
      const int result =
          nghttp3_qpack_stream_context_new(&made, number(stream), nghttp3_mem_default());
      if (result != 0) return fail(to_error(result));
      front.context.reset(made);
    } else if (nghttp3_qpack_stream_context_get_ricnt(front.context.get()) >
               nghttp3_qpack_decoder_get_icnt(decoder.get())) {
      return {};
    }
    const std::size_t size = front.rest.size();
    const Result<std::size_t> left = decode(stream, *front.context, as_bytes(front.rest));
    if (!left) return std::unexpected(left.error());
    waiting_bytes -= size - *left;
    if (*left != 0) {
      front.rest.erase(0, size - *left);
      return {};
    }
    queue.pop_front();
  }
  return {};
}

QpackDecoder::QpackDecoder(const QpackDecoderConfig& config)
    : impl_(std::make_unique<Impl>(config)) {
  nghttp3_qpack_decoder* made = nullptr;
  const int result =
      nghttp3_qpack_decoder_new(&made, impl_->config.limits.capacity,
                                impl_->config.limits.blocked_streams, nghttp3_mem_default());
  impl_->decoder.reset(made);
  if (result != 0) impl_->failure = to_error(result);
}

QpackDecoder::~QpackDecoder() = default;

Result<> QpackDecoder::handle_section(quic::StreamId stream, Bytes section) {
  if (impl_->failure) return std::unexpected(*impl_->failure);
  if (number(stream) < 0) return negative_stream();
  if (impl_->waiting.contains(stream)) return impl_->wait(stream, nullptr, section);
  return impl_->begin(stream, section);
}

Result<> QpackDecoder::handle_instructions(Bytes data) {
  if (impl_->failure) return std::unexpected(*impl_->failure);
  const nghttp3_ssize read =
      nghttp3_qpack_decoder_read_encoder(impl_->decoder.get(), octets(data), data.size());
  if (read < 0) return impl_->fail(to_error(read));
  return impl_->advance();
}

std::optional<QpackSection> QpackDecoder::poll_section() {
  if (impl_->decoded.empty()) return std::nullopt;
  std::optional<QpackSection> section{std::move(impl_->decoded.front())};
  impl_->decoded.pop_front();
  return section;
}

std::string QpackDecoder::poll_instructions() {
  if (impl_->failure) return {};
  const std::size_t size = nghttp3_qpack_decoder_get_decoder_streamlen(impl_->decoder.get());
  if (size == 0) return {};
  Buffer buffer{size};
  nghttp3_qpack_decoder_write_decoder(impl_->decoder.get(), buffer.get());
  return std::string{buffer.view()};
}

void QpackDecoder::cancel(quic::StreamId stream) {
  if (impl_->failure || number(stream) < 0) return;
  if (const auto node = impl_->waiting.extract(stream)) {
    for (const auto& section : node.mapped()) impl_->waiting_bytes -= section.rest.size();
  }
  // Without a table the encoder has nothing to keep for the stream (RFC 9204 §2.2.2.2).
  if (impl_->config.limits.capacity == 0) return;
  const int result = nghttp3_qpack_decoder_cancel_stream(impl_->decoder.get(), number(stream));
  if (result != 0) impl_->failure = to_error(result);
}

std::size_t QpackDecoder::blocked_streams() const noexcept { return impl_->waiting.size(); }

}  // namespace quoin::inline v0::h3
