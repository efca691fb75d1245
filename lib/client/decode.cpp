// SPDX-License-Identifier: MIT
/// Decodes compressed replies for applications that want them plain: a reader in front of theirs.
/// It keeps back-pressure and a limit, since a few bytes may expand to very many.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/streaming.hpp>

#include "client/client_impl.hpp"
#include "client/content_decoder.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::size_t buffer_size = 16 * 1024;

class DecodingReader {
 public:
  DecodingReader(ClientCall& call, const ClientConfig& config, const bool& stopped,
                 std::unique_ptr<ContentDecoder> decoder, Reader reader)
      : call_(call),
        config_(config),
        stopped_(stopped),
        decoder_(std::move(decoder)),
        reader_(std::move(reader)),
        buffer_(std::make_unique<Buffer>()) {}

  std::size_t operator()(Bytes chunk, bool last) {
    std::size_t used = std::exchange(held_, 0);
    for (;;) {
      if (!hand_over()) {
        // All but one byte is taken: that byte causes another call for the rest of the output.
        held_ = used == 0 ? 0 : 1;
        return used - held_;
      }
      if (is_over()) return chunk.size();
      if (used == chunk.size() && !more_) break;
      const ContentDecoder::Step step = decoder_->decode(chunk.subspan(used), *buffer_);
      used += step.taken;
      begun_ = begun_ || step.taken != 0;
      begin_ = 0;
      end_ = step.made;
      more_ = step.made == buffer_->size();
      total_ += step.made;
      if (total_ > config_.max_decompressed) {
        fail(Error{UsageError::too_large, call_.url.to_string() +
                                              ": the reply, decompressed, has more than " +
                                              std::to_string(config_.max_decompressed) + " bytes"});
        return chunk.size();
      }
      if (step.failed || (step.taken == 0 && step.made == 0 && used < chunk.size())) {
        return broken(chunk.size());
      }
    }
    if (!last) return used;
    if (begun_ && !decoder_->is_complete()) return broken(chunk.size());
    static_cast<void>(reader_(Bytes{}, true));
    return used;
  }

 private:
  using Buffer = std::array<std::byte, buffer_size>;

  [[nodiscard]] bool is_over() const noexcept {
    return stopped_ || call_.state == ClientCall::State::over;
  }

  // True if nothing is left in the buffer, or nobody wants it anymore.
  bool hand_over() {
    while (begin_ < end_ && !is_over()) {
      const Bytes rest = Bytes{*buffer_}.subspan(begin_, end_ - begin_);
      const std::size_t taken = std::min(reader_(rest, false), rest.size());
      begin_ += taken;
      if (taken < rest.size()) return is_over();
    }
    return true;
  }

  void fail(Error error) { call_.client.cancel(call_, std::move(error)); }

  std::size_t broken(std::size_t all) {
    fail(Error{HttpError::message_error,
               call_.url.to_string() + ": the compressed reply is broken"});
    return all;
  }

  ClientCall& call_;
  const ClientConfig& config_;
  const bool& stopped_;
  std::unique_ptr<ContentDecoder> decoder_;
  Reader reader_;
  std::unique_ptr<Buffer> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t held_ = 0;  // bytes decoded but not reported as taken
  std::uint64_t total_ = 0;
  bool begun_ = false;
  bool more_ = false;  // the decoder may have output left
};

}  // namespace

bool Client::Impl::wants_plain(const ClientCall& call) const {
  return call.request.decompress.value_or(config.decompress) && !known_codings().empty();
}

// Sets the reader for the incoming body, and adapts the headers to what it will be given.
void Client::Impl::begin_reading(ClientCall& call, Headers& headers) {
  const auto coding = wants_plain(call) ? headers.get("content-encoding") : std::nullopt;
  std::unique_ptr<ContentDecoder> decoder = coding ? ContentDecoder::create(*coding) : nullptr;
  if (!decoder) {
    call.incoming.set(std::move(call.reader));
    return;
  }
  headers.remove("content-encoding");
  headers.remove("content-length");
  call.reply.decompressed = true;
  call.incoming.set(
      DecodingReader{call, config, is_stopped, std::move(decoder), std::move(call.reader)});
}

}  // namespace quoin::inline v0
