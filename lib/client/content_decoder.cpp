// SPDX-License-Identifier: MIT
/// See content_decoder.hpp. The only place that knows zlib and brotli.
#include "client/content_decoder.hpp"

#include <algorithm>
#include <memory>
#include <string>

#ifdef QUOIN_HAS_COMPRESSION
#include <brotli/decode.h>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>
#include <zlib.h>
#endif

namespace quoin::inline v0 {

#ifdef QUOIN_HAS_COMPRESSION

namespace {

class Gzip final : public ContentDecoder {
 public:
  Gzip() {
    constexpr int gzip_only = 16;  // added to the window's size, see zlib.h
    if (inflateInit2(&stream_, MAX_WBITS + gzip_only) != Z_OK) throw std::bad_alloc{};
  }

  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  ~Gzip() override { inflateEnd(&stream_); }

  Step decode(Bytes in, std::span<std::byte> out) override {
    constexpr std::size_t most = std::numeric_limits<uInt>::max();
    in = in.first(std::min(in.size(), most));
    out = out.first(std::min(out.size(), most));
    // A file may have several members (RFC 1952 §2.2).
    if (complete_ && !in.empty()) {
      complete_ = false;
      if (inflateReset(&stream_) != Z_OK) return {.failed = true};
    }
    if (complete_) return {};
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    complete_ = result == Z_STREAM_END;
    return {.taken = in.size() - stream_.avail_in,
            .made = out.size() - stream_.avail_out,
            .failed = !complete_ && result != Z_OK && result != Z_BUF_ERROR};
  }

  [[nodiscard]] bool is_complete() const noexcept override { return complete_; }

 private:
  z_stream stream_{};
  bool complete_ = false;
};

class Brotli final : public ContentDecoder {
 public:
  Brotli() {
    if (!state_) throw std::bad_alloc{};
  }

  Step decode(Bytes in, std::span<std::byte> out) override {
    if (complete_) return {.failed = !in.empty()};
    std::size_t left = in.size();
    const auto* next = reinterpret_cast<const std::uint8_t*>(in.data());
    std::size_t room = out.size();
    auto* place = reinterpret_cast<std::uint8_t*>(out.data());
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state_.get(), &left, &next, &room, &place, nullptr);
    complete_ = result == BROTLI_DECODER_RESULT_SUCCESS;
    return {.taken = in.size() - left,
            .made = out.size() - room,
            .failed = result == BROTLI_DECODER_RESULT_ERROR};
  }

  [[nodiscard]] bool is_complete() const noexcept override { return complete_; }

 private:
  struct Destroy {
    void operator()(BrotliDecoderState* state) const noexcept {
      BrotliDecoderDestroyInstance(state);
    }
  };

  std::unique_ptr<BrotliDecoderState, Destroy> state_{
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)};
  bool complete_ = false;
};

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace

std::string_view known_codings() noexcept { return "gzip, br"; }

std::unique_ptr<ContentDecoder> ContentDecoder::create(std::string_view coding) {
  const std::string name = lower(coding);
  if (name == "gzip" || name == "x-gzip") return std::make_unique<Gzip>();
  if (name == "br") return std::make_unique<Brotli>();
  return nullptr;
}

#else

std::string_view known_codings() noexcept { return {}; }

std::unique_ptr<ContentDecoder> ContentDecoder::create(std::string_view) { return nullptr; }

#endif

}  // namespace quoin::inline v0
