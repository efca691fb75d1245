// SPDX-License-Identifier: MIT
/// The awaitable side of Client, Request and Response.
#include <algorithm>
#include <cstddef>
#include <exception>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/coro/http.hpp>
#include <quoin/coro/operation.hpp>
#include <quoin/coro/task.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/request.hpp>
#include <quoin/streaming.hpp>

#include "coro/bytes.hpp"
#include "coro/owning_handler.hpp"
#include "coro/task_context.hpp"
#include "loop/call_in_place.hpp"

namespace quoin::inline v0 {

Operation<Result<Reply>> request(Client& client, ClientRequest request) {
  Operation<Result<Reply>> operation;
  const Call call = client.request(std::move(request), Client::Done{operation.completion()});
  operation.on_cancel([call] { call.cancel(); });
  return operation;
}

Operation<Result<Reply>> get(Client& client, std::string_view url) {
  ClientRequest wanted;
  wanted.url = url;
  return request(client, std::move(wanted));
}

struct BodyReader::State {
  explicit State(const Request& of) : request(of) {}

  void abandon() { input.abandon(); }

  Request request;
  ReadSide input;
};

BodyReader::BodyReader(const Request& request) : state_(std::make_shared<State>(request)) {
  state_->request.on_body(owning_handler<&take_bytes<State>, &State::abandon>(state_));
}

BodyReader::BodyReader(BodyReader&&) noexcept = default;
BodyReader::~BodyReader() = default;

Operation<Result<SharedBytes>> BodyReader::read() {
  return begin_read(state_, [this] { state_->request.resume(); });
}

struct BodyWriter::State {
  explicit State(const Response& of) : response(of) {}

  Filled fill(std::span<std::byte> room);

  void abandon() {
    gone = true;
    waiting.reset();
  }

  Response response;
  SharedBytes data;
  std::size_t sent = 0;  // of data
  std::optional<Completion<Result<>>> waiting;
  bool ended = false;
  bool failed = false;  // destroyed before its end
  bool gone = false;    // the library has destroyed the writer
};

// The coroutine that waits for a write is resumed here, and may write again or end the body.
Filled BodyWriter::State::fill(std::span<std::byte> room) {
  std::size_t filled = 0;
  while (!failed) {
    const Bytes rest = data.view().subspan(sent);
    const std::size_t now = std::min(rest.size(), room.size() - filled);
    std::ranges::copy(rest.first(now), room.subspan(filled).begin());
    sent += now;
    filled += now;
    if (sent < data.view().size()) return {.bytes = filled};
    data = {};
    sent = 0;
    if (!waiting) break;
    auto done = std::move(*waiting);
    waiting.reset();
    done(Result<>{});
  }
  return {.bytes = filled, .last = ended, .failed = failed};
}

BodyWriter::BodyWriter(Response response) : state_(std::make_shared<State>(response)) {
  response.stream(owning_handler<&State::fill, &State::abandon>(state_));
}

BodyWriter::BodyWriter(BodyWriter&&) noexcept = default;

BodyWriter::~BodyWriter() {
  if (!state_ || state_->ended) return;
  state_->failed = true;
  state_->response.resume();
}

Operation<Result<>> BodyWriter::write(SharedBytes data) {
  if (state_->gone || state_->ended || state_->waiting) {
    const Error error = state_->waiting ? Error{UsageError::limit_reached, "one write at a time"}
                                        : Error{UsageError::closed, "the body is over"};
    return ready_operation<Result<>>(std::unexpected(error));
  }
  if (data.view().empty()) return ready_operation<Result<>>({});
  Operation<Result<>> operation;
  state_->data = std::move(data);
  state_->waiting = operation.completion();
  operation.on_cancel([state = state_] {
    state->waiting.reset();
    state->data = {};
    state->sent = 0;
  });
  state_->response.resume();
  return operation;
}

Operation<Result<>> BodyWriter::write(std::string text) {
  return write(SharedBytes{std::move(text)});
}

void BodyWriter::end() {
  state_->ended = true;
  state_->response.resume();
}

void detail::run_handler(Loop& loop, Response response, Task<> task, std::shared_ptr<void> owner) {
  // `owner` is destroyed after the task, of which it may be the closure.
  const std::shared_ptr<detail::TaskContext> context = detail::TaskContext::make(
      loop, std::move(task),
      [&loop, response, owner = std::move(owner)](const detail::TaskContext* /*context*/,
                                                  const std::exception_ptr& failure) mutable {
        if (!failure) return;
        report_exception(loop, "a handler that is a task", failure);
        response.fail(message_of(failure));
      });
  // The task goes with the stream.
  constexpr auto cancel = [](detail::TaskContext& of, const Outcome&) { of.cancel(); };
  response.on_closed(owning_handler<cancel, &detail::TaskContext::cancel>(context));
  context->begin();
}

}  // namespace quoin::inline v0
