// SPDX-License-Identifier: MIT
/// The awaitable side of Dialer, Listener, Connection and Stream.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/coro/operation.hpp>
#include <quoin/coro/quic.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>

#include "coro/bytes.hpp"
#include "coro/owning_handler.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::uint64_t no_code = 0;

void give_up(const Connection& connection) { connection.close(no_code); }

void give_up(const Stream& stream) {
  stream.reset(no_code);
  stream.stop_sending(no_code);
}

/// Things that wait to be accepted.
template <class Item>
struct Incoming {
  explicit Incoming(std::size_t most) : limit(most) {}

  std::size_t limit;
  std::deque<Item> queue;
  std::optional<Completion<Result<Item>>> waiting;
  std::uint64_t refused = 0;
  bool open = true;   ///< something may accept
  bool gone = false;  ///< nothing more arrives

  /// Takes it, or refuses.
  [[nodiscard]] bool has_room() {
    if (!open) return false;
    if (waiting || queue.size() < limit) return true;
    ++refused;
    return false;
  }

  void abandon() {
    gone = true;
    waiting.reset();
  }

  void add(Item item) {
    if (!waiting) {
      queue.push_back(std::move(item));
      return;
    }
    auto done = std::move(*waiting);
    waiting.reset();
    done(std::move(item));
  }
};

/// Fills an Incoming<Item> from handles of type From.
template <class State, class Item, class From>
void announce(State& state, const From& handle) {
  if (state.has_room()) {
    state.add(Item{handle});
  } else {
    give_up(handle);
  }
}

template <class Item, class State>
Operation<Result<Item>> begin_accept(const std::shared_ptr<State>& state) {
  Operation<Result<Item>> operation;
  if (!state->queue.empty()) {
    operation.completion()(Result<Item>{std::move(state->queue.front())});
    state->queue.pop_front();
  } else if (state->waiting) {
    operation.completion()(
        Result<Item>{std::unexpected(Error{UsageError::limit_reached, "one accept at a time"})});
  } else if (state->gone) {
    operation.completion()(
        Result<Item>{std::unexpected(Error{UsageError::closed, "nothing comes any more"})});
  } else {
    state->waiting = operation.completion();
    operation.on_cancel([state] { state->waiting.reset(); });
  }
  return operation;
}

}  // namespace

Operation<Result<Connection>> connect(Dialer& dialer, std::string_view address,
                                      std::string_view server_name) {
  Operation<Result<Connection>> operation;
  const Result<> begun = dialer.connect(
      address, server_name, [done = operation.completion()](Result<Connection> connection) mutable {
        if (connection && !done.is_wanted()) connection->close(no_code);
        done(std::move(connection));
      });
  if (!begun) return ready_operation<Result<Connection>>(std::unexpected(begun.error()));
  return operation;
}

struct IncomingConnections::State : Incoming<Connection> {
  using Incoming::Incoming;
};

IncomingConnections::IncomingConnections(Listener& listener, std::size_t limit)
    : state_(std::make_shared<State>(limit)) {
  listener.on_connection(
      owning_handler<&announce<State, Connection, Connection>, &State::abandon>(state_));
}

IncomingConnections::~IncomingConnections() {
  state_->open = false;
  for (const Connection& connection : state_->queue) give_up(connection);
  state_->queue.clear();
}

Operation<Result<Connection>> IncomingConnections::accept() {
  return begin_accept<Connection>(state_);
}

std::uint64_t IncomingConnections::refused() const noexcept { return state_->refused; }

struct Channel::State {
  explicit State(const Stream& of) : stream(of) {}

  void handle_reset(std::uint64_t code) { input.fail(Error{Error::Domain::application, code}); }

  void handle_stop_sending(std::uint64_t code) {
    fail_write(Error{Error::Domain::application, code});
  }

  /// The end will not be told of. (A stream drops its reader before that.)
  void handle_gone() {
    input.abandon();
    waiting.reset();
  }

  void handle_close(const Error& reason);
  void try_write();
  void finish_write(const Result<>& outcome);
  void fail_write(const Error& error);

  Stream stream;
  ReadSide input;
  SharedBytes data;
  std::optional<Completion<Result<>>> waiting;
  std::optional<Error> write_failure;
  bool last = false;   // what waits is the end
  bool ended = false;  // our direction is
};

void Channel::State::finish_write(const Result<>& outcome) {
  if (!waiting) return;
  auto done = std::move(*waiting);
  waiting.reset();
  data = {};
  done(outcome);
}

void Channel::State::fail_write(const Error& error) {
  if (!write_failure) write_failure = error;
  finish_write(std::unexpected(*write_failure));
}

void Channel::State::try_write() {
  if (!waiting || !stream.write_shared(data, last)) return;
  ended = ended || last;
  finish_write({});
}

void Channel::State::handle_close(const Error& reason) {
  const Error error = reason ? reason : Error{UsageError::closed, "the stream is over"};
  fail_write(error);
  if (!input.ended) input.fail(error);
}

Channel::Channel(const Stream& stream) : state_(std::make_shared<State>(stream)) {
  // The stream keeps the state, and tells it when nothing more will come.
  stream.on_data(owning_handler<&take_bytes<State>>(state_));
  stream.on_reset(owning_handler<&State::handle_reset>(state_));
  stream.on_stop_sending(owning_handler<&State::handle_stop_sending>(state_));
  stream.on_writable(owning_handler<&State::try_write>(state_));
  stream.on_closed(owning_handler<&State::handle_close, &State::handle_gone>(state_));
}

Channel::Channel(Channel&&) noexcept = default;

Channel::~Channel() {
  if (!state_) return;
  if (!state_->ended) state_->stream.reset(no_code);
  if (!state_->input.ended) state_->stream.stop_sending(no_code);
}

Operation<Result<SharedBytes>> Channel::read() {
  return begin_read(state_, [this] { state_->stream.resume(); });
}

Operation<Result<>> Channel::write(SharedBytes data, bool last) {
  std::optional<Error> error = state_->write_failure;
  if (!error && state_->waiting) error = Error{UsageError::limit_reached, "one write at a time"};
  if (!error && (state_->ended || !state_->stream)) {
    error = Error{UsageError::closed, "our direction of the stream is over"};
  }
  if (error) return ready_operation<Result<>>(std::unexpected(*error));
  Operation<Result<>> operation;
  state_->data = std::move(data);
  state_->last = last;
  state_->waiting = operation.completion();
  operation.on_cancel([state = state_] {
    state->waiting.reset();
    state->data = {};
  });
  state_->try_write();
  return operation;
}

Operation<Result<>> Channel::write(std::string text, bool last) {
  return write(SharedBytes{std::move(text)}, last);
}

void Channel::end() {
  if (state_->waiting) {
    state_->last = true;
    return;
  }
  state_->ended = true;
  (void)state_->stream.write({}, true);
}

Stream Channel::stream() const noexcept { return state_->stream; }

struct IncomingStreams::State : Incoming<Channel> {
  using Incoming::Incoming;
};

IncomingStreams::IncomingStreams(const Connection& connection, std::size_t limit)
    : state_(std::make_shared<State>(limit)) {
  connection.on_stream(owning_handler<&announce<State, Channel, Stream>, &State::abandon>(state_));
}

IncomingStreams::~IncomingStreams() {
  state_->open = false;
  state_->queue.clear();
}

Operation<Result<Channel>> IncomingStreams::accept() { return begin_accept<Channel>(state_); }

std::uint64_t IncomingStreams::refused() const noexcept { return state_->refused; }

}  // namespace quoin::inline v0
