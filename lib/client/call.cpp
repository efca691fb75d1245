// SPDX-License-Identifier: MIT
/// One request of a client from the call to `done`.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/alt_svc.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/handle.hpp>
#include <quoin/headers.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/url.hpp>

#include "base/access.hpp"
#include "client/client_impl.hpp"
#include "client/content_decoder.hpp"
#include "http/body.hpp"
#include "http/connection_number.hpp"
#include "http/endpoint.hpp"
#include "loop/call_in_place.hpp"
#include "loop/driver.hpp"
#include "message/status.hpp"

namespace quoin::inline v0 {
namespace {

// The precision of ClientConfig::stream_idle_timeout; each check costs a step per request.
constexpr Duration sweep_interval = std::chrono::milliseconds{500};

Headers headers_of(const ClientCall& call) {
  const Headers& wanted = call.request.headers;
  const std::string authority = call.url.authority();
  Headers headers;
  const std::string& protocol = call.request.protocol;
  // It has no path (RFC 9114 §4.4) unless it is an extended one (RFC 9220).
  const bool is_connect = call.request.method == "CONNECT" && protocol.empty();
  headers.add(":method", call.request.method);
  if (!is_connect) headers.add(":scheme", "https");
  headers.add(":authority", wanted.get("host").value_or(authority));
  if (!is_connect) headers.add(":path", call.url.target);
  if (!protocol.empty()) headers.add(":protocol", protocol);
  for (const Field& field : wanted) {
    if (field.name != "host") headers.add(field.name, field.value, field.never_index);
  }
  if (call.request.priority && !wanted.get("priority")) {
    headers.add("priority", call.request.priority->to_string());
  }
  const auto size = RequestBodyAccess::size(call.request.body);
  if (size && !wanted.get("content-length")) headers.add("content-length", std::to_string(*size));
  return headers;
}

Result<> check_trailers(const Headers& trailers) {
  for (const Field& field : trailers) {
    if (!is_valid_field_name(field.name) || !is_valid_field_value(field.value)) {
      return std::unexpected(
          Error{UsageError::invalid_argument, "trailer '" + std::string{field.name} + "'"});
    }
  }
  return {};
}

}  // namespace

Call Client::Impl::begin(ClientRequest request, ClientCallbacks callbacks) {
  auto made = std::make_unique<ClientCall>(*this);
  ClientCall& call = *made;
  calls.emplace(&call, std::move(made));
  ++counted.requests;
  call.request = std::move(request);
  call.callbacks = std::move(callbacks);
  call.began = loop.now();
  const Call handle = detail::named<Call>(call.owner.handle());
  attach(loop, *this);
  wake_driver(loop, *this);
  Result<Url> url = Url::parse(call.request.url);
  const Result<> started = start();
  const bool is_full = calls.size() > config.max_requests;
  if (closing || !url || !started || is_full) {
    const Error error = closing    ? Error{UsageError::closed, "the client is closed"}
                        : !url     ? url.error()
                        : !started ? started.error()
                                   : Error{UsageError::limit_reached,
                                           url->to_string() + ": ClientConfig::max_requests is " +
                                               std::to_string(config.max_requests)};
    if (is_full) ++counted.requests_refused;
    finish(call, std::unexpected(error));
    return handle;
  }
  call.url = std::move(*url);
  call.origin = &origin_of(call.url);
  ++call.origin->users;
  call.origin->waiting.push_back(&call);
  collect_body(call);
  arm(call);
  mark(*call.origin);
  return handle;
}

void Client::Impl::arm(ClientCall& call) {
  const Duration limit =
      call.request.timeout > Duration{} ? call.request.timeout : config.request_timeout;
  if (limit > Duration{}) {
    call.timer = after(limit, [this, &call] {
      call.timer.reset();
      cancel(call, Error{LocalError::request_timeout, call.url.to_string()});
    });
  }
  if (config.first_byte_timeout > Duration{}) {
    call.first_byte_timer = after(config.first_byte_timeout, [this, &call] {
      call.first_byte_timer.reset();
      cancel(call, Error{LocalError::request_timeout,
                         call.url.to_string() + ": the reply has not begun in time"});
    });
  }
}

// Sends the request, which is on no connection, again to whatever call.url says now.
void Client::Impl::enqueue_again(ClientCall& call) {
  end_waiting(call);
  Origin& origin = origin_of(call.url);
  ++origin.users;
  release(*call.origin);
  call.origin = &origin;
  call.body_sent = 0;
  call.replying = false;
  call.sent_early = call.reply.timing.early = false;
  call.state = ClientCall::State::waiting;
  origin.waiting.push_back(&call);
  mark(origin);
}

// Where the reply's body goes.
void Client::Impl::collect_body(ClientCall& call) {
  if (call.callbacks.on_data) {
    call.reader = std::move(call.callbacks.on_data);
    return;
  }
  call.reader = [this, &call](Bytes chunk, bool) {
    if (chunk.size() > config.max_reply_body - call.reply.body.size()) {
      cancel(call,
             Error{UsageError::too_large, call.url.to_string() + ": the reply has more than " +
                                              std::to_string(config.max_reply_body) + " bytes"});
    } else {
      call.reply.body += as_text(chunk);
    }
    return chunk.size();
  };
}

Result<> Client::Impl::send(ClientCall& call, ClientConnection& connection) {
  h3::Session* const h3 = session_on(connection);
  if (h3 == nullptr) return std::unexpected(Error{UsageError::closed});
  if (Result<> valid = check_trailers(call.request.trailers); !valid) return valid;
  const bool has_body = call.outgoing.is_pending() || !call.request.trailers.empty() ||
                        !RequestBodyAccess::is_empty(call.request.body);
  Headers headers = headers_of(call);
  if (wants_plain(call) && !headers.get("accept-encoding")) {
    headers.add("accept-encoding", known_codings());
  }
  if (connection.alternative && connection.origin == call.origin) {
    const AltService& service = *connection.alternative;
    headers.add("alt-used", Url{.host = service.host, .port = service.port}.authority());
  }
  const Result<quic::StreamId> stream = h3->request(headers, has_body);
  if (!stream) return std::unexpected(stream.error());
  call.outgoing.promise(content_length_of(headers));
  call.connection = connection.number;
  call.stream = *stream;
  call.state = ClientCall::State::active;
  call.progress = loop.now();
  call.progress_mark = 0;
  ++call.tries;
  connection.calls.insert_or_assign(*stream, &call);
  if (connection.calls.size() == 1) keep_alive(connection);
  Timing& timing = call.reply.timing;
  call.reply.connection = std::to_underlying(connection.number);
  call.sent_early = timing.early = !connection.connected;
  if (call.sent_early) ++counted.early_requests;
  timing.reused = connection.connected && connection.connected_at < call.began;
  timing.resolved =
      timing.reused ? Duration{} : std::max(call.origin->resolved_at - call.began, Duration{});
  timing.connected =
      timing.reused || !connection.connected ? Duration{} : connection.connected_at - call.began;
  timing.sent = loop.now() - call.began;
  timers.set_at_latest(Deadline::sweep, loop.now() + sweep_interval);
  if (has_body) {
    if (!call.outgoing.is_pending()) RequestBodyAccess::send(call.request.body, call.outgoing);
    await_continue(call);
    resume(call);
  }
  return {};
}

void Client::Impl::resume(ClientCall& call) {
  call.outgoing.resume();
  if (std::exchange(call.working, true)) return;
  work.push_back(call.owner.handle());
  wake_driver(loop, *this);
}

void Client::Impl::prioritize(ClientCall& call, const Priority& priority) {
  call.request.priority = priority;
  call.request.headers.remove("priority");
  h3::Session* const h3 = session(call.connection);
  if (h3 == nullptr || call.state != ClientCall::State::active) return;
  if (h3->prioritize(call.stream, priority)) wake_driver(loop, *this);
}

Result<> Client::Impl::send_datagram(ClientCall& call, Bytes data) {
  h3::Session* const h3 = session(call.connection);
  if (h3 == nullptr || call.state != ClientCall::State::active) {
    return std::unexpected(Error{UsageError::unsupported, "the request was not sent yet"});
  }
  Result<> sent = h3->send_datagram(call.stream, data);
  if (sent) {
    call.progress = loop.now();
    wake_driver(loop, *this);
  }
  return sent;
}

std::size_t Client::Impl::max_datagram_size(const ClientCall& call) {
  const h3::Session* const h3 = session(call.connection);
  if (h3 == nullptr || call.state != ClientCall::State::active) return 0;
  return h3->max_datagram_size(call.stream);
}

void Client::Impl::handle_call_datagram(ClientCall& call, Bytes data) {
  call.progress = loop.now();
  if (!call.callbacks.on_datagram) {
    return cancel(call, Error{h3::datagram_error, call.url.to_string() + ": not for datagrams"});
  }
  const auto thrown =
      run_guarded(loop, "ClientCallbacks::on_datagram", [&] { call.callbacks.on_datagram(data); });
  if (thrown) give_up(call, "on_datagram", thrown);
}

void Client::Impl::do_work() {
  working.clear();
  working.swap(work);
  for (const Handle& handle : working) {
    if (is_stopped) return;
    if (auto* const call = resolve_as<ClientCall>(handle)) {
      call->working = false;
      work_on(*call);
    }
  }
}

void Client::Impl::work_on(ClientCall& call) {
  h3::Session* const h3 = session(call.connection);
  const bool is_kept = call.incoming.has_rest();
  if (call.state != ClientCall::State::active || (h3 == nullptr && !is_kept)) return;
  if (call.outgoing.is_pending() && !call.awaits_continue) {
    const Moved sent =
        call.outgoing.move(*h3, call.stream, call.request.trailers, scratch_block,
                           {.loop = loop, .stopped = is_stopped, .where = "ClientRequest::body"});
    call.body_sent += sent.bytes;
    if (sent.bytes != 0) call.progress = loop.now();
    if (sent.threw) call.end_code = HttpError::internal_error;
    if (sent.failed) cancel(call, Error{call.end_code, sent.why});
  }
  if (is_stopped || !call.has_head || call.state != ClientCall::State::active) return;
  const BodyCalls calls_of{
      .loop = loop, .stopped = is_stopped, .where = "ClientCallbacks::on_data"};
  const Moved got =
      is_kept ? call.incoming.move_rest(calls_of) : call.incoming.move(*h3, call.stream, calls_of);
  if (got.bytes != 0) call.progress = loop.now();
  if (got.threw) call.end_code = HttpError::internal_error;
  if (std::exchange(call.cancel_wanted, false)) {
    if (h3 != nullptr) h3->cancel(call.stream, call.end_code);
  } else if (got.failed) {
    cancel(call, Error{call.end_code, "reader of the reply: " + got.why});
  } else if (call.incoming.is_over() && call.state == ClientCall::State::active) {
    finish(call, std::move(call.reply));
  }
}

// The connection has ended, but the whole reply had arrived: the reader gets it at its own pace.
bool Client::Impl::outlives(ClientCall& call, ClientConnection& connection) {
  h3::Session* const h3 = session_on(connection);
  if (!call.has_head || h3 == nullptr || !call.incoming.keep_rest(*h3, call.stream)) return false;
  call.outgoing.drop();
  call.connection = ConnectionNumber::none;
  resume(call);
  return true;
}

void Client::Impl::handle_head(ClientCall& call, h3::Event& event) {
  const int status = status_of(event.headers);
  call.progress = loop.now();
  if (!std::exchange(call.replying, true)) {
    call.reply.timing.first_byte = loop.now() - call.began;
    if (call.first_byte_timer) timers.cancel(*std::exchange(call.first_byte_timer, std::nullopt));
  }
  if (retry_unexpected(call, status)) return;
  handle_answer_to_expectation(call, status);
  if (event.type == h3::Event::Type::informational) {
    if (!call.callbacks.on_informational) return;
    const auto thrown = run_guarded(loop, "ClientCallbacks::on_informational", [&] {
      call.callbacks.on_informational(status, event.headers);
    });
    if (thrown) give_up(call, "on_informational", thrown);
    return;
  }
  if (retry_too_early(call, status) || retry_misdirected(call, status)) return;
  learn_alternatives(call, status, event.headers);
  if (redirect(call, status, event.headers)) return;
  call.has_head = true;
  // What follows an extended CONNECT may last forever.
  if (!call.request.protocol.empty() && call.timer) {
    timers.cancel(*std::exchange(call.timer, std::nullopt));
  }
  call.reply.status = status;
  call.reply.url = call.url.to_string();
  begin_reading(call, event.headers);
  call.reply.headers = std::move(event.headers);
  if (!call.callbacks.on_headers) return;
  const auto thrown = run_guarded(loop, "ClientCallbacks::on_headers",
                                  [&] { call.callbacks.on_headers(status, call.reply.headers); });
  if (thrown) give_up(call, "on_headers", thrown);
}

// The stream ended before the reply did.
void Client::Impl::handle_end(ClientCall& call, const Error& reason) {
  if (retry(call, reason)) return;
  const std::string detail = call.url.to_string() + ": " +
                             (reason.detail().empty() ? std::string{"the reply is not complete"}
                                                      : std::string{reason.detail()});
  finish(call, std::unexpected(reason ? Error{reason.domain(), reason.code(), detail}
                                      : Error{HttpError::request_incomplete, detail}));
}

// A request that the server has not processed, or that is safe to repeat, is sent again.
bool Client::Impl::retry(ClientCall& call, const Error& reason) {
  const bool unseen = reason == Error{HttpError::request_rejected};
  const bool harmless = is_safe_method(call.request.method) && call.reply.timing.reused &&
                        reason.domain() != Error::Domain::http;
  const bool repeatable =
      call.body_sent == 0 || RequestBodyAccess::is_repeatable(call.request.body);
  if (!(unseen || harmless) || !repeatable || call.replying || call.tries >= max_tries ||
      call.state != ClientCall::State::active || closing) {
    return false;
  }
  leave_connection(call);
  if (RequestBodyAccess::is_repeatable(call.request.body)) call.outgoing.drop();
  ++counted.retries;
  enqueue_again(call);
  return true;
}

// Gives up the stream, if there is one; its events no longer matter.
void Client::Impl::leave_connection(ClientCall& call) {
  if (call.state == ClientCall::State::waiting) {
    if (call.origin != nullptr) std::erase(call.origin->waiting, &call);
    return;
  }
  h3::Session* const h3 = session(call.connection);
  const auto found = connections.find(call.connection);
  if (found != connections.end()) {
    found->second->calls.erase(call.stream);
    if (found->second->calls.empty()) keep_alive(*found->second);
  }
  if (h3 != nullptr && call.incoming.is_over()) {
    if (call.outgoing.is_pending()) h3->reset(call.stream, HttpError::no_error);
  } else if (call.incoming.is_running()) {
    call.cancel_wanted = true;  // the reader is still looking at bytes of the stream
  } else if (h3 != nullptr) {
    h3->cancel(call.stream, call.end_code);
  }
  if (found == connections.end()) return;
  note_idle(*found->second);
  drop(*found->second);
}

void Client::Impl::cancel(ClientCall& call, Error reason) {
  finish(call, std::unexpected(std::move(reason)));
}

void Client::Impl::give_up(ClientCall& call, std::string_view what,
                           const std::exception_ptr& thrown) {
  if (is_stopped) return;
  call.end_code = HttpError::internal_error;
  cancel(call, Error{call.end_code, std::string{what} + ": " + message_of(thrown)});
}

// Its callbacks are called and destroyed by deliver_finished().
void Client::Impl::finish(ClientCall& call, Result<Reply> result) {
  if (call.state == ClientCall::State::over) return;
  leave_connection(call);
  call.state = ClientCall::State::over;
  call.outgoing.drop();
  end_waiting(call);
  if (call.timer) timers.cancel(*std::exchange(call.timer, std::nullopt));
  if (call.first_byte_timer) timers.cancel(*std::exchange(call.first_byte_timer, std::nullopt));
  if (result) result->timing.total = loop.now() - call.began;
  ++(result ? counted.replies : counted.requests_failed);
  call.result = std::move(result);
  finished.push_back(&call);
  wake_driver(loop, *this);
}

// Calls that `done` begins or ends wait for the next round.
void Client::Impl::deliver_finished() {
  for (std::size_t left = finished.size(); left > 0 && !is_stopped; --left) {
    const auto node = calls.extract(finished.front());
    finished.pop_front();
    ClientCall& call = *node.mapped();
    call.owner.release();
    if (call.origin != nullptr) release(*call.origin);
    call_and_forget(loop, "ClientCallbacks::done", call.callbacks.done, std::move(*call.result));
  }
}

void Client::Impl::sweep(Time now) {
  std::vector<ClientCall*> silent;
  for (const auto& [key, call] : calls) {
    h3::Session* const h3 = session(call->connection);
    const bool is_kept = call->incoming.has_rest();
    if (call->state != ClientCall::State::active || (h3 == nullptr && !is_kept)) continue;
    timers.set(Deadline::sweep, now + sweep_interval);
    const std::uint64_t mark = is_kept ? call->progress_mark : h3->progress(call->stream);
    if (mark != call->progress_mark) {
      call->progress_mark = mark;
      call->progress = now;
    }
    const bool has_limit = config.stream_idle_timeout > Duration{};
    if (has_limit && now - call->progress >= config.stream_idle_timeout) {
      silent.push_back(call.get());
    }
  }
  for (ClientCall* const call : silent) {
    cancel(*call, Error{LocalError::request_timeout, call->url.to_string() + ": no progress"});
  }
}

}  // namespace quoin::inline v0
