// SPDX-License-Identifier: MIT
/// WebSockets as applications see them: the handle, and the handshake on both sides (RFC 6455 §4,
/// RFC 9220).
#include <algorithm>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/loop.hpp>
#include <quoin/request.hpp>
#include <quoin/websocket.hpp>

#include "base/access.hpp"
#include "base/handle.hpp"
#include "loop/call_in_place.hpp"
#include "message/status.hpp"
#include "websocket/state.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::string_view version = "13";

std::unexpected<Error> stale() { return std::unexpected(Error{UsageError::stale_handle}); }

/// The items of a comma-separated field, of all its lines.
std::vector<std::string_view> list_of(const Headers& headers, std::string_view name) {
  std::vector<std::string_view> items;
  for (const Field& field : headers) {
    if (field.name != name) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      std::string_view item = rest.substr(0, comma);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      const std::size_t first = item.find_first_not_of(" \t");
      if (first == std::string_view::npos) continue;
      item.remove_prefix(first);
      items.push_back(item.substr(0, item.find_last_not_of(" \t") + 1));
    }
  }
  return items;
}

/// Browsers name the page that asks, and send the visitor's cookies whatever the page.
bool is_welcome(const Request& request, const WebSocketOptions& options) {
  const std::string_view origin = request.header("origin");
  if (origin.empty()) return true;
  const auto matches = [&](const std::string& allowed) {
    return allowed == "*" || allowed == origin;
  };
  return origin == "https://" + std::string{request.authority()} ||
         std::ranges::any_of(options.origins, matches);
}

std::unexpected<Error> refuse(Response response, int status, const std::string& why) {
  response.status(status).header("content-type", "text/plain; charset=utf-8").end(why + '\n');
  return std::unexpected(Error{UsageError::invalid_argument, why});
}

/// What a client knows while it waits for the answer.
struct Opening {
  std::string url;
  std::shared_ptr<WebSocketState> state;
  std::vector<std::string> offered;
  std::move_only_function<void(Result<WebSocket>)> done;
  Call call;

  void finish(Result<WebSocket> result) {
    const bool is_open = result.has_value();
    const auto thrown = call_and_forget(state->loop(), "open_websocket", done, std::move(result));
    if (is_open) state->give_up(thrown);
  }

  void refuse(const std::string& why) {
    finish(std::unexpected(Error{HttpError::connect_error, url + ": " + why}));
    call.cancel();
  }

  void handle_answer(int status, const Headers& headers);
};

void Opening::handle_answer(int status, const Headers& headers) {
  if (status < 200 || status > 299) {
    return refuse("the server refuses with status " + std::to_string(status));
  }
  const std::string chosen{headers.get("sec-websocket-protocol").value_or("")};
  if (!chosen.empty() && std::ranges::find(offered, chosen) == offered.end()) {
    return refuse("the server chose a subprotocol that was not offered");
  }
  if (headers.get("sec-websocket-extensions")) {
    return refuse("the server uses an extension that was not offered");
  }
  state->open({.resume = [call = call]() mutable { call.resume(); },
               .reset = [call = call]() mutable { call.cancel(); },
               .is_there = [call = call] { return static_cast<bool>(call); }},
              chosen);
  finish(detail::named<WebSocket>(state->handle()));
}

}  // namespace

Result<WebSocket> accept_websocket(Loop& loop, Request request, Response response,
                                   WebSocketOptions options) {
  if (!request) return stale();
  if (request.method() != "CONNECT" || request.header(":protocol") != "websocket") {
    return refuse(response, status::not_implemented, "this is for WebSockets");
  }
  if (request.header("sec-websocket-version") != version) {
    response.header("sec-websocket-version", version);
    return refuse(response, 400, "the WebSocket version must be 13");
  }
  if (!is_welcome(request, options)) {
    return refuse(response, 403, "pages of this origin may not connect");
  }
  const auto offered = list_of(request.headers(), "sec-websocket-protocol");
  const auto chosen = std::ranges::find_if(options.subprotocols, [&](const std::string& known) {
    return std::ranges::find(offered, known) != offered.end();
  });
  const std::string subprotocol = chosen == options.subprotocols.end() ? std::string{} : *chosen;
  if (!subprotocol.empty()) response.header("sec-websocket-protocol", subprotocol);

  const auto state = WebSocketState::make(loop, std::move(options), true);
  response.on_closed([state](const Outcome& outcome) { state->handle_over(outcome.error); });
  state->open({.resume =
                   [request, response]() mutable {
                     request.resume();
                     response.resume();
                   },
               .reset = [response]() mutable { response.reset(HttpError::request_cancelled); },
               .is_there = [response] { return static_cast<bool>(response); }},
              subprotocol);
  response.stream(WebSocketWriter{state});
  request.on_body(WebSocketReader{state});
  return detail::named<WebSocket>(state->handle());
}

Call open_websocket(Loop& loop, Client& client, WebSocketRequest request,
                    std::move_only_function<void(Result<WebSocket>)> done) {
  const auto opening = std::make_shared<Opening>();
  opening->offered = request.options.subprotocols;
  opening->done = std::move(done);
  opening->state = WebSocketState::make(loop, std::move(request.options), false);
  opening->url = request.url;

  ClientRequest wanted;
  wanted.method = "CONNECT";
  wanted.protocol = "websocket";
  wanted.url = std::move(request.url);
  if (wanted.url.starts_with("wss://")) wanted.url.replace(0, 3, "https");
  wanted.headers = std::move(request.headers);
  wanted.headers.set("sec-websocket-version", version);
  for (const std::string& each : opening->offered) {
    wanted.headers.add("sec-websocket-protocol", each);
  }
  wanted.timeout = request.timeout;
  wanted.body = Writer{WebSocketWriter{opening->state}};

  ClientCallbacks callbacks;
  callbacks.on_headers = [opening](int status, const Headers& headers) {
    opening->handle_answer(status, headers);
  };
  callbacks.on_data = WebSocketReader{opening->state};
  callbacks.done = [opening](Result<Reply> reply) {
    const Error error = reply ? Error{HttpError::no_error} : reply.error();
    opening->finish(std::unexpected(error));
    opening->state->handle_over(error);
  };
  opening->call = client.request(std::move(wanted), std::move(callbacks));
  return opening->call;
}

Result<> WebSocket::send_text(std::string_view text) const {
  auto* const state = resolve_as<WebSocketState>(handle_);
  return state == nullptr ? stale() : state->send(MessageType::text, as_bytes(text), true, false);
}

Result<> WebSocket::send_binary(Bytes data) const {
  auto* const state = resolve_as<WebSocketState>(handle_);
  return state == nullptr ? stale() : state->send(MessageType::binary, data, true, false);
}

Result<> WebSocket::send_fragment(MessageType type, Bytes data, bool last) const {
  auto* const state = resolve_as<WebSocketState>(handle_);
  return state == nullptr ? stale() : state->send(type, data, last, true);
}

Result<> WebSocket::ping(std::string_view payload) const {
  auto* const state = resolve_as<WebSocketState>(handle_);
  return state == nullptr ? stale() : state->ping(payload);
}

Result<> WebSocket::close(CloseCode code, std::string_view reason) const {
  auto* const state = resolve_as<WebSocketState>(handle_);
  return state == nullptr ? stale() : state->close(code, reason);
}

void WebSocket::reset() const {
  if (auto* const state = resolve_as<WebSocketState>(handle_)) state->terminate();
}

void WebSocket::on_message(std::move_only_function<void(const WebSocketMessage&)> handler) const {
  if (auto* const state = resolve_as<WebSocketState>(handle_)) {
    state->want_messages(std::move(handler));
  }
}

void WebSocket::on_writable(std::move_only_function<void()> handler) const {
  if (auto* const state = resolve_as<WebSocketState>(handle_)) {
    state->on_writable = std::move(handler);
  }
}

void WebSocket::on_pong(std::move_only_function<void(std::string_view)> handler) const {
  if (auto* const state = resolve_as<WebSocketState>(handle_)) state->on_pong = std::move(handler);
}

void WebSocket::on_closed(std::move_only_function<void(const WebSocketEnd&)> handler) const {
  if (auto* const state = resolve_as<WebSocketState>(handle_)) {
    state->on_closed = std::move(handler);
  }
}

void WebSocket::pause() const {
  if (auto* const state = resolve_as<WebSocketState>(handle_)) state->pause();
}

void WebSocket::resume() const {
  if (auto* const state = resolve_as<WebSocketState>(handle_)) state->resume();
}

std::string_view WebSocket::subprotocol() const {
  const auto* const state = resolve_as<WebSocketState>(handle_);
  return state == nullptr ? std::string_view{} : std::string_view{state->subprotocol()};
}

WebSocketStats WebSocket::stats() const {
  const auto* const state = resolve_as<WebSocketState>(handle_);
  return state == nullptr ? WebSocketStats{} : state->stats();
}

}  // namespace quoin::inline v0
