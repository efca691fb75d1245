// SPDX-License-Identifier: MIT
/// The two halves of a message body between an application and an HTTP/3 session, the same for
/// server and client. Not public; the caller handles the outcome.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <quoin/bytes.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/headers.hpp>
#include <quoin/loop.hpp>
#include <quoin/streaming.hpp>

#include "loop/call_in_place.hpp"
#include "quic/streams/block_pool.hpp"

namespace quoin::inline v0 {

/// The result of one round of moving bytes.
struct Moved {
  std::uint64_t bytes = 0;  ///< moved
  bool failed = false;      ///< the application threw or gave up; see `why`
  bool threw = false;       ///< it threw, which is reported
  std::string why;          ///< for the log
};

/// What moving a body needs to call its reader or writer.
struct BodyCalls {
  Loop& loop;           ///< learns of exceptions
  const bool& stopped;  ///< once true, no application code may be called any more
  const char* where;    ///< the member that took the reader or writer, for Loop::on_exception()
};

/// The value of the first `content-length`, if it is a number.
[[nodiscard]] std::optional<std::uint64_t> content_length_of(const Headers& headers) noexcept;

/// An outgoing body: shared bytes or a writer.
class Outgoing {
 public:
  /// The message's `content-length`: a body of any other size fails, before its end is sent
  /// (RFC 9114 §4.1.2).
  void promise(std::optional<std::uint64_t> size) noexcept;
  /// Sends `data`. The session must not have been offered anything for the stream yet.
  void set(SharedBytes data);
  void set(Writer writer);

  /// There is a body, and not all of it has been handed over.
  [[nodiscard]] bool is_pending() const noexcept { return pending_; }

  /// The writer paused until resume().
  [[nodiscard]] bool is_paused() const noexcept { return paused_; }

  void resume() noexcept { paused_ = false; }

  /// Forgets the body, and destroys the writer unless it is running.
  void drop() noexcept;

  /// Hands over what the session takes and, after the body, the trailers added by then. Calls the
  /// writer, which may do anything but destroy this object and fills `scratch`; that is exchanged
  /// for another block if the session keeps it, and made if there is none.
  [[nodiscard]] Moved move(h3::Session& session, quic::StreamId stream, const Headers& trailers,
                           quic::LargeBlockPtr& scratch, const BodyCalls& calls);

 private:
  Moved move_shared(h3::Session& session, quic::StreamId stream, const Headers& trailers);
  Moved move_written(h3::Session& session, quic::StreamId stream, const Headers& trailers,
                     quic::LargeBlockPtr& scratch, const BodyCalls& calls);
  [[nodiscard]] bool keeps_promise(std::uint64_t bytes, bool last, Moved& moved);

  SharedBytes data_;
  Writer writer_;
  std::optional<std::uint64_t> promised_;  // bytes that are still to come
  bool pending_ = false;
  bool paused_ = false;
};

/// An incoming body.
class Incoming {
 public:
  /// Replaces the reader, also the one that is running.
  void set(Reader reader);

  [[nodiscard]] bool has_reader() const noexcept { return static_cast<bool>(reader_); }

  /// The reader was given the end of the body.
  [[nodiscard]] bool is_over() const noexcept { return over_; }

  /// A reader is being called: its bytes must stay in place.
  [[nodiscard]] bool is_running() const noexcept { return running_; }

  /// Calls no reader from now on.
  void drop() noexcept;

  /// Offers the reader the available bytes until it takes no more; see Outgoing::move().
  [[nodiscard]] Moved move(h3::Session& session, quic::StreamId stream, const BodyCalls& calls);

  /// Takes what is left of the message out of a session whose connection is over, for
  /// move_rest(); at most what flow control let the peer send. False if the message has no end.
  [[nodiscard]] bool keep_rest(h3::Session& session, quic::StreamId stream);

  /// keep_rest() was called and returned true.
  [[nodiscard]] bool has_rest() const noexcept { return rest_.has_value(); }

  /// move() for the kept bytes.
  [[nodiscard]] Moved move_rest(const BodyCalls& calls);

 private:
  [[nodiscard]] std::size_t offer(Bytes data, bool last, const BodyCalls& calls, Moved& moved);

  HandlerPlace<std::size_t(Bytes, bool)> reader_;
  std::optional<std::string> rest_;  // of a connection that is over
  std::size_t rest_taken_ = 0;
  bool over_ = false;
  bool running_ = false;
};

}  // namespace quoin::inline v0
