// SPDX-License-Identifier: MIT
/// What comes in: stream data into nghttp3, messages out of it, credit back to the peer. R6.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <nghttp3/nghttp3.h>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/quic/application.hpp>

#include "h3/fields.hpp"
#include "h3/session_impl.hpp"
#include "h3/stream.hpp"
#include "message/status.hpp"
#include "message/validate.hpp"

namespace quoin::inline v0::h3 {
namespace {

std::uint64_t number(HttpError code) noexcept { return static_cast<std::uint64_t>(code); }

}  // namespace

void Session::Impl::handle_stream_data(quic::StreamId id, Bytes data, bool fin) {
  if (!is_alive()) return;
  const bool is_request = is_bidirectional(id);
  if (is_request && fin && data.empty()) {
    // nghttp3 would close the connection over a message that ends before it begins.
    Stream* stream = find(id);
    if (stream == nullptr) return refuse(id, HttpError::request_incomplete);
    if (!stream->has_headers && !stream->in_section && !stream->discarding) {
      return reject(*stream, HttpError::message_error, "the stream ended without a response");
    }
  }
  const auto now = static_cast<nghttp3_tstamp>(connection.now().time_since_epoch().count());
  const nghttp3_ssize read =
      nghttp3_conn_read_stream2(raw(), number(id), octets(data), data.size(), fin ? 1 : 0, now);
  // nghttp3 does not distinguish errors of a stream from those of the connection, and must not be
  // used after either (RFC 9114 §8 allows that).
  if (read < 0) return fail(static_cast<int>(read));
  connection.consume(id, static_cast<std::size_t>(read));
  if (is_request && fin) {
    if (Stream* stream = find(id)) stream->fin_received = true;
  }
  settle();
}

/// Does what nghttp3's callbacks found necessary.
void Session::Impl::settle() {
  for (const Rejected& bad : rejected) {
    Stream* stream = find(bad.id);
    if (stream != nullptr && is_alive()) reject(*stream, bad.code, bad.detail);
  }
  rejected.clear();
  if (std::exchange(goaway_fresh, false)) {
    streams.for_each([this](Stream& stream) {
      if (number(stream.id) >= first_unhandled && !stream.complete && !stream.discarding) {
        reject(stream, HttpError::request_rejected, "the server was shutting down");
      }
    });
  }
  for (const quic::StreamId id : delayed_closes) {
    Stream* stream = find(id);
    if (stream == nullptr || !stream->close_delayed || !is_alive()) continue;
    close_in_nghttp3(id, stream->close_error);
    if (is_alive()) finish(*stream);
  }
  delayed_closes.clear();
}

Stream* Session::Impl::begin_section(quic::StreamId id, Stream* stream) {
  if (stream == nullptr) stream = &streams.add(pool, id);
  // Typical messages have no more; the limits allow others.
  constexpr std::size_t usual_fields = 16;
  constexpr std::size_t usual_bytes = 512;
  stream->in_section = true;
  stream->section = {};
  stream->section.reserve(usual_fields, usual_bytes);
  return stream;
}

void Session::Impl::add_field(Stream& stream, std::string_view name, std::string_view value,
                              bool never_index) {
  if (stream.discarding) return;
  stream.section_size += name.size() + value.size() + field_overhead;
  ++stream.field_count;
  if (stream.section_size > config.max_field_section || stream.field_count > config.max_fields) {
    stream.discarding = true;
    stream.section = {};
    rejected.push_back({stream.id, HttpError::excessive_load, "too many or too large fields"});
    return;
  }
  stream.section.add(name, value, never_index);
}

void Session::Impl::end_headers(Stream& stream) {
  stream.in_section = false;
  if (stream.discarding) return;
  if (!server && status_of(stream.section) < 200) {
    push_section(Event::Type::informational, stream);
    return;
  }
  if (server && !is_consistent_authority(stream.section)) {
    stream.discarding = true;
    rejected.push_back({stream.id, HttpError::message_error, ":authority and host differ"});
    return;
  }
  if (server) stream.is_head = stream.section.get(":method") == "HEAD";
  stream.has_headers = true;
  stream.visible = true;
  push_section(Event::Type::headers, stream);
}

void Session::Impl::end_trailers(Stream& stream) {
  stream.in_section = false;
  if (stream.discarding) return;
  push_section(Event::Type::trailers, stream);
  // A separate `data` event, after the trailers, reports the end of the message.
  stream.trailers_queued = true;
  stream.data_queued = false;
}

void Session::Impl::add_body(quic::StreamId id, Stream* stream, Bytes data) {
  if (stream == nullptr || stream->discarding) {
    connection.consume(id, data.size());
    return;
  }
  stream->receive.append(data);
  stream->progress += data.size();
  queue_data(*stream);
}

void Session::Impl::end_message(Stream& stream) {
  stream.complete = true;
  if (stream.close_delayed) delayed_closes.push_back(stream.id);
  queue_data(stream);
}

void Session::Impl::queue_data(Stream& stream) {
  if (stream.data_queued || stream.discarding) return;
  stream.data_queued = true;
  push(Event::Type::data, stream.id, {});
}

void Session::Impl::handle_goaway(std::int64_t id) {
  if (server) return;  // it limits pushes, which we never send
  peer_drains = true;
  goaway_fresh = true;
  first_unhandled = id;
  push(Event::Type::goaway, quic::StreamId{id}, {});
}

void Session::Impl::handle_settings(const nghttp3_proto_settings& settings) {
  peer_max_section = settings.max_field_section_size;
  peer_settled = true;
  peer_datagrams = settings.h3_datagram != 0;
  peer_extended_connect = settings.enable_connect_protocol != 0;
  // An extended CONNECT may have been waiting to know.
  if (std::exchange(wants_stream, false)) {
    push(Event::Type::streams_available, quic::no_stream, {});
  }
}

void Session::Impl::handle_stream_reset(quic::StreamId id, std::uint64_t code) {
  // That of a critical stream is judged when it is closed, which follows.
  if (!is_alive() || !is_bidirectional(id)) return;
  Stream* stream = find(id);
  if (stream != nullptr && stream->complete) return;
  shut_reading(id);
  if (stream == nullptr) return refuse(id, HttpError::request_incomplete);
  if (stream->discarding) return;
  discard(*stream);
  if (stream->visible) {
    push(Event::Type::reset, id, Error{Error::Domain::http, code});
  } else {
    reset_writing(*stream, HttpError::request_incomplete);
  }
}

void Session::Impl::handle_stop_sending(quic::StreamId id, std::uint64_t code) {
  if (!is_alive()) return;
  if (!is_bidirectional(id)) {
    return fail(HttpError::closed_critical_stream, "the peer stopped a critical stream");
  }
  Stream* stream = find(id);
  if (stream == nullptr || !stream->visible) {
    // A client that does not want the response does not want the request handled.
    if (stream != nullptr) discard(*stream);
    return refuse(id, HttpError::request_cancelled);
  }
  close_writing(id);
  push(Event::Type::stop_sending, id, Error{Error::Domain::http, code});
}

/// Aborts a stream that the application does not know.
void Session::Impl::refuse(quic::StreamId id, HttpError code) {
  shut_reading(id);
  close_writing(id);
  connection.stop_sending(id, number(code));
  connection.reset_stream(id, number(code));
}

/// Aborts a message that cannot be accepted, and tells the application if it knows it.
void Session::Impl::reject(Stream& stream, HttpError code, std::string_view detail) {
  if (code == HttpError::excessive_load && !stream.visible &&
      stream.writing == Writing::not_begun) {
    return answer_431(stream);
  }
  discard(stream);
  // Only servers say that they rejected a request (RFC 9114 §4.1.1).
  refuse(stream.id, code == HttpError::request_rejected ? HttpError::request_cancelled : code);
  if (stream.close_delayed) delayed_closes.push_back(stream.id);
  if (stream.visible) push(Event::Type::reset, stream.id, Error{code, std::string{detail}});
}

/// RFC 6585 §5; then the rest of the request is unwanted, which is not an error (RFC 9114 §4.1).
void Session::Impl::answer_431(Stream& stream) {
  Headers headers;
  headers.add(":status", "431");
  const auto response = to_nghttp3(headers, fields);
  discard(stream);
  stream.writing = Writing::ended;
  shut_reading(stream.id);
  const int result = nghttp3_conn_submit_response(raw(), number(stream.id), response.data(),
                                                  response.size(), nullptr);
  if (result != 0) return fail(result);
  connection.stop_sending(stream.id, number(HttpError::no_error));
  connection.want_write();
}

/// nghttp3 takes no more of this stream and tells the peer's QPACK encoder so.
void Session::Impl::shut_reading(quic::StreamId id) {
  if (const int result = nghttp3_conn_shutdown_stream_read(raw(), number(id)); result != 0) {
    fail(result);
  }
}

/// Forgets what was received, gives credit for it and for all that may still come.
void Session::Impl::discard(Stream& stream) {
  const std::size_t unread = stream.receive.size();
  stream.receive.clear();
  stream.discarding = true;
  if (!disconnected) connection.consume(stream.id, unread);
}

void Session::Impl::stop_reading(Stream& stream, HttpError code) {
  if (stream.discarding) return;
  if (is_alive() && !stream.fin_received && !stream.over) {
    connection.stop_sending(stream.id, number(code));
  }
  if (is_alive() && !stream.complete) shut_reading(stream.id);
  discard(stream);
  if (is_alive() && stream.close_delayed) close_in_nghttp3(stream.id, stream.close_error);
  if (stream.over) finish(stream);
}

void Session::Impl::consume(Stream& stream, std::size_t bytes) {
  bytes = std::min(bytes, stream.receive.size());
  stream.receive.consume(bytes);
  if (!disconnected) connection.consume(stream.id, bytes);
  if (stream.over && !stream.close_delayed) finish(stream);
}

// What follows is Session itself.

Chunk Session::read(quic::StreamId stream) {
  const Stream* found = impl_->find(stream);
  if (found == nullptr || found->discarding) return {};
  const Bytes front = found->receive.front();
  const bool at_end = found->complete && !found->trailers_queued;
  return {.data = front, .last = at_end && front.size() == found->receive.size()};
}

void Session::consume(quic::StreamId stream, std::size_t bytes) {
  if (Stream* found = impl_->find(stream)) impl_->consume(*found, bytes);
}

void Session::stop_sending(quic::StreamId stream, HttpError code) {
  if (Stream* found = impl_->find(stream)) impl_->stop_reading(*found, code);
}

void Session::on_stream_data(quic::Connection&, quic::StreamId stream, Bytes data, bool fin) {
  impl_->handle_stream_data(stream, data, fin);
}

void Session::on_stream_reset(quic::Connection&, quic::StreamId stream, std::uint64_t code) {
  impl_->handle_stream_reset(stream, code);
}

void Session::on_stop_sending(quic::Connection&, quic::StreamId stream, std::uint64_t code) {
  impl_->handle_stop_sending(stream, code);
}

}  // namespace quoin::inline v0::h3
