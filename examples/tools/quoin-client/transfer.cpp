// SPDX-License-Identifier: MIT
/// See transfer.hpp.
#include "quoin-client/transfer.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/loop.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "quoin-client/console.hpp"
#include "quoin-client/exit_code.hpp"
#include "quoin-client/options.hpp"
#include "quoin-client/output.hpp"
#include "quoin-client/plan.hpp"
#include "quoin-client/report.hpp"
#include "quoin-client/upload.hpp"

namespace quoin::tools {

namespace {

/// How long to wait before a pipe that was not ready is tried again.
constexpr std::chrono::milliseconds pipe_pause{5};
constexpr int first_redirect_status = 300;
constexpr int first_error_status = 400;
constexpr std::size_t most_collected = 16 * 1024 * 1024;

std::optional<std::uint64_t> read_length(const Headers& headers) {
  const std::optional<std::string_view> text = headers.get("content-length");
  std::uint64_t value = 0;
  if (!text) return std::nullopt;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, value);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional{value} : std::nullopt;
}

}  // namespace

Transfer::Transfer(const PlannedTransfer& plan, const ClientOptions& options, Loop& loop,
                   Console& console)
    : plan_(plan),
      options_(options),
      loop_(loop),
      console_(console),
      // Others may write at the same time.
      collects_(plan.output == "-" && plan.sends_body() && options.parallel > 1) {}

Transfer::~Transfer() {
  if (retry_) {
    loop_.cancel(*retry_);
  }
}

void Transfer::begin(Client& client, Done done) {
  done_ = std::move(done);
  begun_ = loop_.now();
  if (Expected<> opened = open_files(); !opened) {
    retry_ = loop_.after(Duration::zero(), [this, failure = std::move(opened.error())]() mutable {
      retry_.reset();
      report({.failure = std::move(failure)});
    });
    return;
  }
  ClientRequest request{.method = plan_.method,
                        .url = plan_.url.to_string(),
                        .headers = plan_.headers,
                        .body = make_body(),
                        .timeout = options_.max_time.value_or(Duration::zero()),
                        .max_redirects = options_.location ? options_.max_redirects : 0};
  if (options_.verbose) {
    console_.print(shown_request(request.method, plan_.url, request.headers));
  }
  ClientCallbacks callbacks;
  callbacks.on_informational = [this](int status, const Headers& headers) {
    if (options_.verbose) {
      console_.print(shown_reply(status, headers));
    }
  };
  callbacks.on_redirect = [this](int status, const Headers& headers, std::string_view url) {
    if (options_.verbose) {
      console_.print(shown_reply(status, headers) + "* redirected to " + without_controls(url) +
                     "\n");
    }
  };
  callbacks.on_headers = [this](int status, const Headers& headers) {
    take_headers(status, headers);
  };
  callbacks.on_data = [this](Bytes chunk, bool /*last*/) { return take_body(chunk); };
  callbacks.done = [this](Result<Reply> result) { finish(std::move(result)); };
  call_ = client.request(std::move(request), std::move(callbacks));
}

Expected<> Transfer::open_files() {
  if (plan_.upload) {
    Expected<Upload> upload = Upload::open(*plan_.upload);
    if (!upload) return std::unexpected(std::move(upload.error()));
    upload_ = std::move(*upload);
  }
  // Before the request: a reply that cannot be kept need not be asked for.
  if (plan_.output == "-") {
    output_.emplace(Output::standard_output());
    return {};
  }
  Expected<Output> output = Output::to_file(plan_.output);
  if (!output) return std::unexpected(std::move(output.error()));
  output_.emplace(std::move(*output));
  return {};
}

RequestBody Transfer::make_body() {
  if (plan_.data) return *plan_.data;
  if (upload_) return {[this](std::span<std::byte> room) { return fill(room); }, upload_->size()};
  return {};
}

Filled Transfer::fill(std::span<std::byte> room) {
  const Filled filled = upload_->read(room);
  if (filled.failed) {
    give_up({.exit_code = number(ClientExit::read_error), .message = "-T: " + upload_->problem()});
  } else if (filled.bytes == 0 && !filled.last) {
    resume_soon();
  }
  return filled;
}

void Transfer::take_headers(int status, const Headers& headers) {
  reply_begun_ = true;
  content_length_ = plan_.method == "HEAD" ? 0 : read_length(headers);
  if (options_.verbose) {
    console_.print(shown_reply(status, headers));
  }
  if (options_.fail && status >= first_error_status) {
    give_up(explain_status(status, plan_.url));
    return;
  }
  if (const auto location = headers.get("location"); options_.location &&
                                                     status >= first_redirect_status &&
                                                     status < first_error_status && location) {
    give_up(explain_redirect(*location, plan_.url));
    return;
  }
  if (!options_.include_headers && !options_.head) return;
  if (collects_) {
    collected_ = header_block(status, headers);
  } else if (Expected<> written = output_->write_waiting(as_bytes(header_block(status, headers)));
             !written) {
    give_up(std::move(written.error()));
  }
}

std::size_t Transfer::take_body(Bytes chunk) {
  if (failure_) return chunk.size();
  if (collects_) {
    if (collected_.size() + chunk.size() > most_collected) {
      give_up({.exit_code = number(ClientExit::write_error),
               .message = plan_.url.to_string() +
                          ": the reply is too large to hold back for standard output while others "
                          "are under way; use -o, or omit --parallel"});
    } else {
      collected_ += as_text(chunk);
      received_ += chunk.size();
    }
    return chunk.size();
  }
  const Expected<std::size_t> taken = output_->write(chunk);
  if (!taken) {
    give_up(taken.error());
    return chunk.size();
  }
  received_ += *taken;
  if (*taken < chunk.size()) {
    resume_soon();
  }
  return *taken;
}

void Transfer::give_up(Failure failure) {
  if (!failure_) {
    failure_ = std::move(failure);
    call_.cancel();
  }
}

void Transfer::resume_soon() {
  if (!retry_) {
    retry_ = loop_.after(pipe_pause, [this] {
      retry_.reset();
      call_.resume();
    });
  }
}

void Transfer::finish(Result<Reply> result) {
  TransferEnd end;
  end.bytes = received_ == 0 && upload_ ? upload_->sent() : received_;
  if (received_ == 0 && plan_.data) {
    end.bytes = plan_.data->view().size();
  }
  if (failure_) {
    end.failure = std::move(failure_);
  } else if (!result) {
    end.error = result.error();
    end.failure = explain(result.error(), {.url = plan_.url,
                                           .elapsed = loop_.now() - begun_,
                                           .max_time = options_.max_time.value_or(Duration::zero()),
                                           .reply_begun = reply_begun_,
                                           .bytes = received_});
  } else if (Expected<> written = write_rest(); !written) {
    end.failure = std::move(written.error());
  } else {
    end.reply = std::move(*result);
  }
  report(std::move(end));
}

Expected<> Transfer::write_rest() {
  if (Expected<> written = output_->write_waiting(as_bytes(collected_)); !written) return written;
  return output_->commit();
}

void Transfer::report(TransferEnd end) {
  // What is unfinished is removed before anybody hears of the end.
  output_.reset();
  // The callback may destroy this object, and with it itself.
  Done done = std::move(done_);
  done(std::move(end));
}

std::uint64_t Transfer::moved() const noexcept {
  return received_ + (upload_ ? upload_->sent() : 0);
}

std::optional<std::uint64_t> Transfer::expected() const noexcept {
  if (upload_) return upload_->size();
  return content_length_;
}

}  // namespace quoin::tools
