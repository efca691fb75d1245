// SPDX-License-Identifier: MIT
/// Request and Response: each call finds the exchange behind the handle, or does nothing.
#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/request.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>

#include "base/handle.hpp"
#include "server/exchange.hpp"

namespace quoin::inline v0 {
namespace {

using BodyDone = std::move_only_function<void(Result<std::string>)>;

// A body that is being collected.
class Collector {
 public:
  Collector(const Handle& exchange, std::size_t limit, BodyDone done)
      : exchange_(exchange), limit_(limit), done_(std::move(done)) {}

  std::size_t operator()(Bytes chunk, bool last) {
    if (!done_) return 0;
    if (chunk.size() > limit_ - body_.size()) {
      if (auto* const exchange = resolve_as<Exchange>(exchange_)) exchange->refuse_body();
      const std::string detail = "the body has more than " + std::to_string(limit_) + " bytes";
      std::exchange(done_, nullptr)(std::unexpected(Error{UsageError::too_large, detail}));
      return 0;
    }
    body_ += as_text(chunk);
    if (last) std::exchange(done_, nullptr)(std::move(body_));
    return chunk.size();
  }

 private:
  Handle exchange_;
  std::size_t limit_;
  BodyDone done_;
  std::string body_;
};

}  // namespace

std::string_view Request::method() const {
  const auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange == nullptr ? std::string_view{} : exchange->method();
}

std::string_view Request::target() const {
  const auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange == nullptr ? std::string_view{} : exchange->target();
}

std::string_view Request::path() const {
  const std::string_view all = target();
  return all.substr(0, all.find('?'));
}

std::string_view Request::query() const {
  const std::string_view all = target();
  const std::size_t mark = all.find('?');
  return mark == std::string_view::npos ? std::string_view{} : all.substr(mark + 1);
}

std::string_view Request::authority() const {
  const auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange == nullptr ? std::string_view{} : exchange->authority();
}

std::string_view Request::parameter(std::string_view name) const {
  const auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange == nullptr ? std::string_view{} : exchange->parameter(name);
}

std::string_view Request::header(std::string_view name) const {
  return headers().get(name).value_or(std::string_view{});
}

const Headers& Request::headers() const {
  static const Headers none;
  const auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange == nullptr ? none : exchange->request();
}

const Headers& Request::trailers() const {
  static const Headers none;
  const auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange == nullptr ? none : exchange->request_trailers();
}

bool Request::early() const {
  const auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange != nullptr && exchange->is_early();
}

Priority Request::priority() const {
  auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange == nullptr ? Priority{} : exchange->priority();
}

Address Request::peer() const {
  auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange == nullptr ? Address{} : exchange->peer();
}

TlsInfo Request::tls() const {
  auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange == nullptr ? TlsInfo{} : exchange->tls();
}

void Request::on_body(Reader reader) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->on_body(std::move(reader));
}

void Request::read_body(std::size_t limit, BodyDone done) const {
  on_body(Collector{handle_, limit, std::move(done)});
}

void Request::resume() const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->resume();
}

void Request::on_datagram(std::move_only_function<void(Bytes)> handler) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) {
    exchange->on_datagram(std::move(handler));
  }
}

Result<> Response::send_datagram(Bytes data) const {
  auto* const exchange = resolve_as<Exchange>(handle_);
  if (exchange == nullptr) return std::unexpected(Error{UsageError::stale_handle});
  return exchange->send_datagram(data);
}

std::size_t Response::max_datagram_size() const {
  auto* const exchange = resolve_as<Exchange>(handle_);
  return exchange == nullptr ? 0 : exchange->max_datagram_size();
}

const Response& Response::timeout(Duration limit) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->set_timeout(limit);
  return *this;
}

const Response& Response::prioritize(const Priority& priority) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->prioritize(priority);
  return *this;
}

const Response& Response::status(int code) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->set_status(code);
  return *this;
}

const Response& Response::header(std::string_view name, std::string_view value) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->add_header(name, value);
  return *this;
}

const Response& Response::headers(const Headers& fields) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->add_headers(fields);
  return *this;
}

const Response& Response::trailer(std::string_view name, std::string_view value) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->add_trailer(name, value);
  return *this;
}

void Response::end(std::string_view body) const {
  if (handle_) end(SharedBytes{std::string{body}});
}

void Response::end(const char* body) const { end(std::string_view{body}); }

void Response::end(std::string body) const { end(SharedBytes{std::move(body)}); }

void Response::end(SharedBytes body) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->end(std::move(body));
}

void Response::stream(Writer body) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->stream(std::move(body));
}

void Response::resume() const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->resume();
}

void Response::inform(int code, const Headers& headers) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->inform(code, headers);
}

void Response::fail(std::string_view why) const {
  auto* const exchange = resolve_as<Exchange>(handle_);
  if (exchange != nullptr) exchange->give_up("handler: " + std::string{why});
}

void Response::reset(HttpError code) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) {
    exchange->reset(code, Error{code, "the handler gave up"});
  }
}

void Response::on_closed(std::move_only_function<void(const Outcome&)> done) const {
  if (auto* const exchange = resolve_as<Exchange>(handle_)) exchange->on_closed(std::move(done));
}

}  // namespace quoin::inline v0
