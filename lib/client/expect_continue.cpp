// SPDX-License-Identifier: MIT
/// `expect: 100-continue` (RFC 9110 §10.1.1): a body that waits until the server wants it.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/loop.hpp>

#include "client/client_impl.hpp"
#include "message/status.hpp"

namespace quoin::inline v0 {

void Client::Impl::await_continue(ClientCall& call) {
  if (!expects_continue(call.request.headers) || config.continue_timeout <= Duration{}) return;
  call.awaits_continue = true;
  call.continue_timer = after(config.continue_timeout, [this, &call] {
    // Servers that do not know expectations say nothing.
    call.continue_timer.reset();
    end_waiting(call);
    resume(call);
  });
}

void Client::Impl::end_waiting(ClientCall& call) {
  call.awaits_continue = false;
  if (call.continue_timer) timers.cancel(*std::exchange(call.continue_timer, std::nullopt));
}

// A 100, or a reply without one: then the body is no longer wanted, unless all is well.
void Client::Impl::handle_answer_to_expectation(ClientCall& call, int status) {
  const bool is_answer = status == status::go_on || status >= status::first_final;
  if (!call.awaits_continue || !is_answer) return;
  end_waiting(call);
  if (status < status::first_redirection) {
    resume(call);
    return;
  }
  call.outgoing.drop();
  if (h3::Session* const h3 = session(call.connection)) {
    h3->reset(call.stream, HttpError::no_error);
  }
}

// True if the request continues without an expectation that the server does not meet.
bool Client::Impl::retry_unexpected(ClientCall& call, int status) {
  if (status != status::expectation_failed || !call.awaits_continue || closing) return false;
  call.request.headers.remove("expect");
  end_waiting(call);
  leave_connection(call);
  if (RequestBodyAccess::is_repeatable(call.request.body)) call.outgoing.drop();
  ++counted.retries;
  enqueue_again(call);
  return true;
}

}  // namespace quoin::inline v0
