// SPDX-License-Identifier: MIT
/// Redirects (RFC 9110 §15.4): where a request goes next, and which parts of it go along.
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/url.hpp>

#include "client/client_impl.hpp"
#include "http/endpoint.hpp"

namespace quoin::inline v0 {
namespace {

enum class MethodRule : std::uint8_t { none, keep, post_becomes_get, becomes_get };

MethodRule rule_of(int status) noexcept {
  switch (status) {
    case 301:
    case 302:
      return MethodRule::post_becomes_get;
    case 303:
      return MethodRule::becomes_get;
    case 307:
    case 308:
      return MethodRule::keep;
    default:
      return MethodRule::none;
  }
}

// Fields that only one origin may see.
constexpr std::array<std::string_view, 4> secrets{"authorization", "cookie", "host",
                                                  "proxy-authorization"};

Headers without(const Headers& headers, bool drop_secrets, bool drop_content) {
  Headers kept;
  for (const Field& field : headers) {
    bool drop = drop_content && field.name.starts_with("content-");
    for (const std::string_view name : secrets) drop = drop || (drop_secrets && field.name == name);
    if (!drop) kept.add(field.name, field.value, field.never_index);
  }
  return kept;
}

}  // namespace

// True if the reply is not for the application: the request continues elsewhere, or has failed.
bool Client::Impl::redirect(ClientCall& call, int status, const Headers& headers) {
  const std::size_t most = call.request.max_redirects.value_or(config.max_redirects);
  const MethodRule rule = rule_of(status);
  const auto location = headers.get("location");
  if (most == 0 || rule == MethodRule::none || !location || call.request.method == "CONNECT") {
    return false;
  }
  Result<Url> target = call.url.resolve(*location);
  if (!target) return false;
  std::string& method = call.request.method;
  const bool to_get = (rule == MethodRule::becomes_get && method != "HEAD" && method != "GET") ||
                      (rule == MethodRule::post_becomes_get && method == "POST");
  if (!to_get && !RequestBodyAccess::is_repeatable(call.request.body)) return false;
  if (call.reply.redirects == most) {
    cancel(call, Error{UsageError::limit_reached, call.url.to_string() + ": more than " +
                                                      std::to_string(most) + " redirects"});
    return true;
  }
  if (call.callbacks.on_redirect) {
    const auto thrown = run_guarded(loop, "ClientCallbacks::on_redirect", [&] {
      call.callbacks.on_redirect(status, headers, target->to_string());
    });
    if (thrown) give_up(call, "on_redirect", thrown);
  }
  if (is_stopped || call.state != ClientCall::State::active) return true;
  leave_connection(call);
  call.outgoing.drop();
  const bool elsewhere = target->host != call.url.host || target->port != call.url.port;
  call.request.headers = without(call.request.headers, elsewhere, to_get);
  if (to_get) {
    method = "GET";
    call.request.body = {};
  }
  ++call.reply.redirects;
  ++counted.redirects;
  call.url = std::move(*target);
  call.tries = 0;
  enqueue_again(call);
  return true;
}

}  // namespace quoin::inline v0
