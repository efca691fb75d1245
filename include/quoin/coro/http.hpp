// SPDX-License-Identifier: MIT
/// HTTP in coroutines: requests of a client, handlers of a server, and bodies piece by piece.
#pragma once

#include <quoin/version.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/coro/operation.hpp>
#include <quoin/coro/task.hpp>
#include <quoin/detail/run_handler.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/loop.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>

namespace quoin::inline v0 {

/// Fetches `url`: Client::get(). Errors: those of Client::request(). Cancelling it cancels the
/// request.
[[nodiscard]] QUOIN_EXPORT Operation<Result<Reply>> get(Client& client, std::string_view url);
/// Sends `request`, which must be a named object: Client::request(). Errors and cancelling as for
/// get().
[[nodiscard]] QUOIN_EXPORT Operation<Result<Reply>> request(Client& client, ClientRequest request);

/// Reads the body of a request in a server's handler. It replaces Request::on_body().
class QUOIN_EXPORT BodyReader {
 public:
  /// One reader for a request.
  explicit BodyReader(const Request& request);
  /// Moves the reader; the other one must not be used any more.
  BodyReader(BodyReader&&) noexcept;
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;
  BodyReader& operator=(BodyReader&&) = delete;
  ~BodyReader();

  /// The next bytes, as they arrive; none after the end. Flow control holds the client back while
  /// nobody reads; a cancelled read has taken nothing. Errors: UsageError::closed when the client
  /// gave up, UsageError::limit_reached while another read is under way.
  [[nodiscard]] Operation<Result<SharedBytes>> read();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Writes the body of a response in a server's handler. It replaces Response::stream().
class QUOIN_EXPORT BodyWriter {
 public:
  /// Sends the headers: set status and headers first.
  explicit BodyWriter(Response response);
  /// Moves the writer; the other one must not be used any more.
  BodyWriter(BodyWriter&&) noexcept;
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;
  BodyWriter& operator=(BodyWriter&&) = delete;
  /// Without end() the stream is reset, so that the client does not take a partial body for
  /// complete.
  ~BodyWriter();

  /// Ends when the connection has taken all of `data`, which is when the client is ready for more.
  /// A cancelled write may have sent a part. Errors: UsageError::closed when nothing more can be
  /// sent (the client gave up, or asked with HEAD), UsageError::limit_reached while another write
  /// is under way.
  [[nodiscard]] Operation<Result<>> write(SharedBytes data);
  /// The same, taking over `text`.
  [[nodiscard]] Operation<Result<>> write(std::string text);
  /// Ends the body, without waiting.
  void end();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Makes a Server::Handler of a function (Request, Response) -> Task<>, for a server on `loop`. The
/// task starts with the request and is destroyed when the request's stream is over, wherever it
/// waits: when the client gave up, or has the whole response. Work that must go on belongs in a
/// TaskGroup. An exception that leaves it becomes a 500, or resets the stream if the response has
/// begun. `function` lives as long as the handler and all tasks it has made.
template <class Function>
[[nodiscard]] Server::Handler task_handler(Loop& loop, Function function) {
  return [&loop, shared = std::make_shared<Function>(std::move(function))](Request request,
                                                                           Response response) {
    Task<> task = (*shared)(request, response);
    detail::run_handler(loop, response, std::move(task), shared);
  };
}

}  // namespace quoin::inline v0
