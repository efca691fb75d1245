// SPDX-License-Identifier: MIT
/// One request stream of a server: turns the handler's requests into calls to the session, at once
/// if no application code is involved, otherwise when work() is called.
#include "server/exchange.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/headers.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/request.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>

#include "http/connection_number.hpp"
#include "http/endpoint.hpp"
#include "http/host_name.hpp"
#include "loop/call_in_place.hpp"
#include "message/status.hpp"

namespace quoin::inline v0 {
Exchange::Exchange(ExchangeHost& host, ConnectionNumber connection, quic::StreamId stream,
                   Headers request)
    : id(stream),
      host_(host),
      connection_(connection),
      request_(std::move(request)),
      awaits_continue_(expects_continue(request_)),
      began_(host.now()),
      limit_began_(began_),
      progress_(began_) {
  std::swap(response_, host.spare_headers());
  clear_response();
}

std::string_view Exchange::method() const noexcept { return request_.get(":method").value_or(""); }

std::string_view Exchange::target() const noexcept { return request_.get(":path").value_or(""); }

std::string_view Exchange::authority() const noexcept {
  const auto authority = request_.get(":authority");
  return authority ? *authority : request_.get("host").value_or("");
}

TlsInfo Exchange::tls() {
  h3::Session* const h3 = session();
  return h3 == nullptr ? TlsInfo{} : h3->connection().tls();
}

bool Exchange::is_well_directed() {
  h3::Session* const h3 = session();
  return h3 == nullptr || h3->connection().serves(host_of(authority()));
}

Address Exchange::peer() {
  h3::Session* const h3 = session();
  return h3 == nullptr ? Address{} : h3->connection().path().remote;
}

Priority Exchange::priority() {
  h3::Session* const h3 = session();
  return h3 == nullptr ? Priority{} : h3->priority(id);
}

void Exchange::prioritize(const Priority& priority) {
  h3::Session* const h3 = session();
  if (h3 != nullptr && !cancelled_ && h3->prioritize(id, priority)) want_work();
}

void Exchange::on_datagram(std::move_only_function<void(Bytes)> handler) {
  on_datagram_ = std::move(handler);
}

void Exchange::handle_datagram(Bytes data) {
  if (cancelled_) return;
  touch();
  if (!on_datagram_) {
    reset(h3::datagram_error, Error{h3::datagram_error, "a request that is not for datagrams"});
    return;
  }
  const auto thrown =
      call_in_place(host_.turning_loop(), "Request::on_datagram", on_datagram_, data);
  if (thrown && !host_.stopped()) give_up("on_datagram: " + message_of(thrown));
}

Result<> Exchange::send_datagram(Bytes data) {
  h3::Session* const h3 = session();
  if (h3 == nullptr || cancelled_) return std::unexpected(Error{UsageError::stale_handle});
  Result<> sent = h3->send_datagram(id, data);
  if (sent) {
    touch();
    want_work();  // so that the turn is taken which sends it
  }
  return sent;
}

std::size_t Exchange::max_datagram_size() {
  const h3::Session* const h3 = session();
  return h3 == nullptr ? 0 : h3->max_datagram_size(id);
}

std::string_view Exchange::parameter(std::string_view name) const noexcept {
  const auto found = std::ranges::find(parameters_, name, &Parameters::value_type::first);
  return found == parameters_.end() ? std::string_view{} : std::string_view{found->second};
}

h3::Session* Exchange::session() noexcept { return host_.session(connection_); }

void Exchange::touch() noexcept { progress_ = host_.now(); }

void Exchange::want_work() {
  if (!std::exchange(working_, true)) {
    host_.want_work(handle());
  }
}

void Exchange::on_body(Reader reader) {
  incoming_.set(std::move(reader));
  h3::Session* const h3 = session();
  const bool has_begun = h3 == nullptr || !h3->read(id).data.empty();
  // A client that expects 100 sends the body only now (RFC 9110 §10.1.1).
  if (std::exchange(awaits_continue_, false) && !has_begun) inform(100, {});
  want_work();
}

void Exchange::resume() {
  outgoing_.resume();
  want_work();
}

void Exchange::set_timeout(Duration limit) {
  own_limit_ = std::max(limit, Duration{});
  limit_began_ = host_.now();
}

void Exchange::set_status(int code) {
  if (code < 200 || code > 599) {
    invalid_ = Error{UsageError::invalid_argument, "response status " + std::to_string(code)};
    return;
  }
  status_ = code;
}

void Exchange::add_header(std::string_view name, std::string_view value) {
  if (!is_valid_field_name(name) || !is_valid_field_value(value)) {
    invalid_ = Error{UsageError::invalid_argument, "response header " + std::string{name}};
    return;
  }
  response_.add(name, value);
}

void Exchange::add_headers(const Headers& headers) {
  for (const Field& field : headers) {
    if (!is_valid_field_name(field.name) || !is_valid_field_value(field.value)) {
      invalid_ = Error{UsageError::invalid_argument, "response header " + std::string{field.name}};
      return;
    }
    response_.add(field.name, field.value, field.never_index);
  }
}

void Exchange::clear_response() {
  response_.clear();
  response_.add(":status", "200");
}

void Exchange::add_trailer(std::string_view name, std::string_view value) {
  if (!is_valid_field_name(name) || !is_valid_field_value(value)) {
    invalid_ = Error{UsageError::invalid_argument, "response trailer " + std::string{name}};
    return;
  }
  trailers_.add(name, value);
}

bool Exchange::begin(bool has_body, std::optional<std::uint64_t> size) {
  h3::Session* const h3 = session();
  if (h3 == nullptr || answered_ || cancelled_) return false;
  if (invalid_) {
    fail(status::internal_server_error, *invalid_);
    return false;
  }
  // Overwrites the existing one in place, since all have three digits.
  response_.set(":status", std::to_string(status_));
  if (const std::string_view date = host_.date(); !date.empty() && !response_.get("date")) {
    response_.add("date", date);
  }
  if (size && !has_no_content(status_) && !is_tunnel() && !response_.get("content-length")) {
    response_.add("content-length", std::to_string(*size));
  }
  outgoing_.promise(has_content() ? content_length_of(response_) : std::nullopt);
  if (const Result<> begun = h3->respond(id, response_, has_body); !begun) {
    if (failure_) {
      cancel(HttpError::internal_error);
      want_work();
    } else if (begun.error() == Error{UsageError::invalid_argument}) {
      fail(status::internal_server_error, begun.error());
    }
    return false;
  }
  answered_ = true;
  response_.clear();
  std::swap(response_, host_.spare_headers());
  outcome_.status = status_;
  sent_ = !has_body;
  touch();
  want_work();
  return true;
}

// A 2xx to CONNECT opens a tunnel, whose length is unknown (RFC 9110 §9.3.6).
bool Exchange::is_tunnel() const noexcept { return method() == "CONNECT" && status_ < 300; }

bool Exchange::has_content() const noexcept {
  return method() != "HEAD" && !has_no_content(status_);
}

void Exchange::end(SharedBytes body) {
  const std::size_t size = body.view().size();
  const bool has_body = size != 0 && has_content();
  if (has_content() && content_length_of(response_).value_or(size) != size) {
    invalid_ = Error{UsageError::invalid_argument,
                     "content-length of a body of " + std::to_string(size) + " bytes"};
  }
  if (!begin(has_body || !trailers_.empty(), size)) return;
  if (has_body) {
    outgoing_.set(std::move(body));
  } else if (!trailers_.empty()) {
    send_trailers();
  }
}

void Exchange::stream(Writer body) {
  const bool has_body = has_content();
  if (!begin(has_body || !trailers_.empty(), std::nullopt)) return;
  if (has_body) {
    outgoing_.set(std::move(body));
  } else if (!trailers_.empty()) {
    send_trailers();
  }
}

void Exchange::send_trailers() {
  sent_ = true;
  h3::Session* const h3 = session();
  if (h3 == nullptr) return;
  if (const Result<> sent = h3->write_trailers(id, trailers_); !sent) {
    reset(HttpError::internal_error, sent.error());
  }
}

void Exchange::inform(int code, const Headers& headers) {
  h3::Session* const h3 = session();
  if (h3 == nullptr || answered_ || cancelled_ || code < 100 || code > 199 || code == 101) return;
  if (code == 100) awaits_continue_ = false;
  Headers all{{":status", std::to_string(code)}};
  for (const Field& field : headers) all.add(field.name, field.value, field.never_index);
  if (const Result<> sent = h3->inform(id, all); !sent) {
    if (sent.error() == Error{UsageError::invalid_argument}) invalid_ = sent.error();
    return;
  }
  want_work();
}

void Exchange::cancel(HttpError code) {
  outgoing_.drop();
  if (incoming_.is_running()) {
    wanted_cancel_ = code;
    incoming_.drop();
    return;
  }
  incoming_.drop();
  if (std::exchange(cancelled_, true)) return;
  if (h3::Session* const h3 = session()) h3->cancel(id, code);
}

void Exchange::reset(HttpError code, Error error) {
  if (cancelled_) return;
  if (!failure_) failure_ = std::move(error);
  cancel(code);
  want_work();  // so that the turn is taken which sends it
}

void Exchange::on_closed(std::move_only_function<void(const Outcome&)> done) {
  on_closed_.push_back(std::move(done));
}

void Exchange::fail(int status, const Error& error) {
  if (answered_ || cancelled_) return;
  if (!failure_) failure_ = error;
  invalid_.reset();
  clear_response();
  trailers_ = {};
  status_ = status;
  add_header("content-type", "text/plain; charset=utf-8");
  end(SharedBytes{status_line(status)});
}

void Exchange::give_up(std::string_view why) {
  const Error reason{HttpError::internal_error, std::string{why}};
  if (answered_) {
    reset(HttpError::internal_error, reason);
  } else {
    fail(status::internal_server_error, reason);
  }
}

void Exchange::work() {
  working_ = false;
  h3::Session* const h3 = session();
  if (h3 == nullptr || cancelled_) return;
  receive(*h3);
  if (!cancelled_ && !host_.stopped()) send(*h3);
  if (!cancelled_ && sent_) close_unread(*h3);
}

void Exchange::receive(h3::Session& session) {
  const Moved moved = incoming_.move(
      session, id,
      {.loop = host_.turning_loop(), .stopped = host_.stopped(), .where = "Request::on_body"});
  outcome_.bytes_received += moved.bytes;
  if (moved.bytes != 0) touch();
  if (wanted_cancel_) {
    cancel(*std::exchange(wanted_cancel_, std::nullopt));
    return;
  }
  if (moved.failed && !host_.stopped()) give_up("body reader: " + moved.why);
}

void Exchange::send(h3::Session& session) {
  if (!outgoing_.is_pending()) return;
  const Moved moved = outgoing_.move(
      session, id, trailers_, host_.scratch(),
      {.loop = host_.turning_loop(), .stopped = host_.stopped(), .where = "Response::stream"});
  outcome_.bytes_sent += moved.bytes;
  if (moved.bytes != 0) touch();
  if (moved.failed) {
    reset(HttpError::internal_error, Error{HttpError::internal_error, moved.why});
    return;
  }
  if (outgoing_.is_pending() || cancelled_) return;
  sent_ = true;
}

// The response is complete without the rest of the request; RFC 9114 §4.1 lets a server say so.
void Exchange::close_unread(h3::Session& session) {
  if (incoming_.is_over() || incoming_.has_reader()) return;
  const h3::Chunk rest = session.read(id);
  if (!rest.data.empty() || !rest.last) session.stop_sending(id, HttpError::no_error);
}

void Exchange::handle_writable() {
  touch();
  work();
}

void Exchange::handle_reset(const Error& error) {
  incoming_.drop();
  if (sent_) return;
  given_up_ = true;
  if (!failure_) failure_ = error;
  if (!answered_) cancel(HttpError::request_cancelled);
}

void Exchange::handle_stop_sending(const Error& error) {
  outgoing_.drop();
  given_up_ = true;
  if (!failure_) failure_ = error;
}

bool Exchange::handle_silence(Time now, const TimeLimits& limits) {
  if (cancelled_) return false;
  h3::Session* const h3 = session();
  if (h3 == nullptr) return false;
  const bool awaits_client = incoming_.has_reader() && h3->read(id).data.empty();
  const Duration whole = own_limit_.value_or(limits.whole);
  if (whole != Duration{} && now - limit_began_ >= whole) {
    end_overdue(awaits_client);
    return true;
  }
  if (const std::uint64_t mark = h3->progress(id); mark != progress_mark_) {
    progress_mark_ = mark;
    progress_ = now;
    return false;
  }
  if (own_limit_) return false;
  const Duration silent = now - progress_;
  if (!answered_ && !awaits_client) {
    if (limits.response == Duration{} || silent < limits.response) return false;
    fail(status::service_unavailable,
         Error{LocalError::request_timeout, "no response by the handler"});
    return true;
  }
  if (limits.idle == Duration{} || silent < limits.idle) return false;
  reset(HttpError::request_cancelled, Error{LocalError::request_timeout, "no progress"});
  return true;
}

// It has taken too long, whatever its progress.
void Exchange::end_overdue(bool awaits_client) {
  const Error error{LocalError::request_timeout, "the whole request took too long"};
  if (answered_) {
    reset(HttpError::request_cancelled, error);
  } else {
    fail(awaits_client ? status::request_timeout : status::service_unavailable, error);
  }
}

Outcome Exchange::finish(const Error& error) {
  owner_.release();
  if (failure_) {
    outcome_.error = *failure_;
  } else if (error) {
    given_up_ = given_up_ || !sent_;
    outcome_.error = error;
  } else {
    outcome_.error = Error{sent_ ? HttpError::no_error : HttpError::request_cancelled};
  }
  outcome_.duration = host_.now() - began_;
  auto callbacks = std::exchange(on_closed_, {});
  for (auto& done : callbacks) {
    if (host_.stopped()) break;
    run_guarded(host_.turning_loop(), "Response::on_closed", [&] { done(outcome_); });
  }
  return outcome_;
}

}  // namespace quoin::inline v0
