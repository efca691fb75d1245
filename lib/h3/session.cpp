// SPDX-License-Identifier: MIT
/// The life of an HTTP/3 session: its beginning, its events, its graceful end. R6 and W2 of the
/// data flow go on in session_read.cpp and session_write.cpp.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <nghttp3/nghttp3.h>
#include <nghttp3/version.h>

#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>

#include "h3/fields.hpp"
#include "h3/library.hpp"
#include "h3/session_impl.hpp"
#include "h3/stream.hpp"

namespace quoin::inline v0::h3 {
namespace {

/// nghttp3 gets its hash seed from a function without context, while a session is made.
thread_local quic::Connection* random_source = nullptr;

void fill_random(std::uint8_t* out, std::size_t size) {
  random_source->fill_random(std::as_writable_bytes(std::span{out, size}));
}

/// What SETTINGS can say (RFC 9114 §7.2.4).
std::size_t within_varint(std::size_t value) noexcept {
  return std::min(value, (std::size_t{1} << 62) - 1);
}

}  // namespace

Result<> check_library() {
  if (nghttp3_version(NGHTTP3_VERSION_NUM) != nullptr) return {};
  return std::unexpected(
      Error{UsageError::unsupported, std::string{"quoin was built for nghttp3 "} + NGHTTP3_VERSION +
                                         ", but runs with " + nghttp3_version(0)->version_str});
}

Session::Impl::Impl(quic::Connection& quic_connection, const Config& limits)
    : connection(quic_connection), config(limits), server(quic_connection.is_server()) {}

void Session::Impl::start() {
  // RFC 9114 §6.2: the control stream and two for QPACK (integration rule 22).
  constexpr std::uint64_t needed = 3;
  if (const std::uint64_t left = connection.streams_left(false); left < needed) {
    fail(HttpError::stream_creation_error,
         "HTTP/3 needs 3 unidirectional streams, the peer allows " + std::to_string(left));
    return;
  }
  nghttp3_settings settings;
  nghttp3_settings_default(&settings);
  settings.max_field_section_size = within_varint(config.max_field_section);
  const bool dynamic = !config.qpack_static_only;
  settings.qpack_max_dtable_capacity = dynamic ? within_varint(config.qpack_capacity) : 0;
  settings.qpack_encoder_max_dtable_capacity =
      dynamic ? within_varint(config.qpack_encoder_capacity) : 0;
  settings.qpack_blocked_streams = dynamic ? within_varint(config.qpack_blocked_streams) : 0;
  settings.h3_datagram = config.datagrams ? 1 : 0;
  settings.enable_connect_protocol = server && config.extended_connect ? 1 : 0;
  nghttp3_callbacks table = callbacks();
  table.rand = fill_random;
  random_source = &connection;
  nghttp3_conn* made = nullptr;
  int result = server ? nghttp3_conn_server_new(&made, &table, &settings, nullptr, this)
                      : nghttp3_conn_client_new(&made, &table, &settings, nullptr, this);
  random_source = nullptr;
  if (result != 0) return fail(result);
  conn.reset(made);
  // As many as streams_left() promised; a failure makes nghttp3 refuse -1.
  control = connection.open_stream(false).value_or(quic::no_stream);
  qpack_encoder = connection.open_stream(false).value_or(quic::no_stream);
  qpack_decoder = connection.open_stream(false).value_or(quic::no_stream);
  if (qpack_decoder == quic::no_stream) {
    return fail(HttpError::internal_error, "the control streams could not be opened");
  }
  result = nghttp3_conn_bind_control_stream(raw(), number(control));
  if (result == 0) {
    result = nghttp3_conn_bind_qpack_streams(raw(), number(qpack_encoder), number(qpack_decoder));
  }
  if (result != 0) return fail(result);
  if (server) {
    nghttp3_conn_set_max_client_streams_bidi(raw(), config.max_requests);
    nghttp3_conn_set_max_concurrent_streams(raw(), config.max_requests);
  }
  if (std::exchange(shutdown_state, Shutdown::none) == Shutdown::wanted) shutdown();
  connection.want_write();
}

void Session::Impl::fail(HttpError code, std::string_view detail) {
  if (failed) return;
  failed = true;
  connection.close(Error{code, std::string{detail}});
}

void Session::Impl::fail(int nghttp3_error) {
  fail(static_cast<HttpError>(nghttp3_err_infer_quic_app_error_code(nghttp3_error)),
       nghttp3_strerror(nghttp3_error));
}

void Session::Impl::push(Event event) {
  const bool is_last = event.type == Event::Type::disconnected;
  if (disconnected && !is_last) return;
  if (events.size() >= config.max_events && !is_last) {
    return fail(HttpError::excessive_load, "too many events wait for the application");
  }
  events.push_back(std::move(event));
}

void Session::Impl::push(Event::Type type, quic::StreamId stream, Error error) {
  push({.type = type, .stream = stream, .headers = {}, .error = std::move(error)});
}

void Session::Impl::push_section(Event::Type type, Stream& stream) {
  push({.type = type,
        .stream = stream.id,
        .headers = std::move(stream.section),
        .error = {},
        .early = server && connection.is_early()});
}

std::optional<Event> Session::Impl::poll_event() {
  while (!events.empty()) {
    Event event = events.pop_front();
    Stream* stream = event.stream == quic::no_stream ? nullptr : find(event.stream);
    if (event.type == Event::Type::data) {
      stream->data_queued = false;
      if (stream->discarding) continue;
    } else if (event.type == Event::Type::datagram) {
      --datagrams_waiting;
      if (stream == nullptr) continue;
    } else if (event.type == Event::Type::trailers) {
      stream->trailers_queued = false;
    } else if (event.type == Event::Type::resumable) {
      resumable_queued = false;
    } else if (event.type == Event::Type::closed) {
      release(*stream);
    }
    return event;
  }
  if (!paths.empty()) {
    Event event;
    event.type = Event::Type::path;
    event.path = paths.pop_front();
    return event;
  }
  return std::nullopt;
}

void Session::Impl::handle_stream_closed(quic::StreamId id, std::optional<std::uint64_t> code) {
  if (!is_alive()) return;
  const Error reason{Error::Domain::http,
                     code.value_or(static_cast<std::uint64_t>(HttpError::no_error))};
  if (server && is_bidirectional(id)) {
    nghttp3_conn_set_max_client_streams_bidi(raw(), config.max_requests + ++requests_closed);
  }
  Stream* stream = is_bidirectional(id) ? find(id) : nullptr;
  if (stream != nullptr) {
    stream->over = true;
    stream->writing = Writing::closed;
    stream->close_error = reason;
    // All of the message is here, but some of it cannot be read before the instructions on the
    // QPACK encoder stream arrive (RFC 9204 §2.1.2). Closed now, it would be lost.
    if (stream->fin_received && !stream->complete && !stream->discarding) {
      stream->close_delayed = true;
      return;
    }
  }
  close_in_nghttp3(id, reason);
  if (stream != nullptr && is_alive()) finish(*stream);
}

void Session::Impl::close_in_nghttp3(quic::StreamId id, const Error& reason) {
  const int result = nghttp3_conn_close_stream(raw(), number(id), reason.code());
  // It does not know streams on which nothing was received.
  if (result != 0 && result != NGHTTP3_ERR_STREAM_NOT_FOUND) return fail(result);
  if (Stream* stream = is_bidirectional(id) ? find(id) : nullptr) {
    stream->close_delayed = false;
    drop_body(*stream);
  }
}

void Session::Impl::finish(Stream& stream) {
  if (!stream.visible) return release(stream);
  if (stream.close_queued || !stream.receive.empty()) return;
  stream.close_queued = true;
  push(Event::Type::closed, stream.id, stream.close_error);
}

void Session::Impl::release(Stream& stream) {
  streams.remove(stream);
  if (streams.size() == 0) pool.trim();
}

void Session::Impl::start_over() {
  if (failed) return;
  events = {};
  datagrams_waiting = 0;
  streams = {};
  conn.reset();
  control = qpack_encoder = qpack_decoder = quic::no_stream;
  control_written = control_acked = goaway_offset = 0;
  if (shutdown_state != Shutdown::none) shutdown_state = Shutdown::wanted;
  peer_max_section = std::numeric_limits<std::uint64_t>::max();
  peer_settled = peer_datagrams = peer_extended_connect = resumable_queued = wants_stream = false;
  copied_total = 0;
  waits_for_total = false;
  rejected.clear();
  delayed_closes.clear();
  push(Event::Type::early_data_rejected, quic::no_stream, {});
}

void Session::Impl::shutdown() {
  if (shutdown_state != Shutdown::none) return;
  if (!is_alive()) {
    shutdown_state = Shutdown::wanted;
    return;
  }
  goaway_offset = control_written;
  // A client could refuse only pushes, and there are none.
  shutdown_state = server ? Shutdown::noticed : Shutdown::final;
  const int result =
      server ? nghttp3_conn_submit_shutdown_notice(raw()) : nghttp3_conn_shutdown(raw());
  if (result != 0) return fail(result);
  connection.want_write();
}

void Session::Impl::continue_shutdown() {
  // Requests under way when the peer got the first GOAWAY have arrived by the time it is
  // acknowledged, so none sent in good faith is refused (RFC 9114 §5.2).
  if (shutdown_state != Shutdown::noticed || control_written == goaway_offset ||
      control_acked < control_written) {
    return;
  }
  goaway_offset = control_written;
  shutdown_state = Shutdown::final;
  if (const int result = nghttp3_conn_shutdown(raw()); result != 0) return fail(result);
  connection.want_write();
}

bool Session::Impl::is_drained() const noexcept {
  if (shutdown_state == Shutdown::none || streams.size() > 0) return false;
  if (!is_alive()) return true;
  return shutdown_state == Shutdown::final && control_written > goaway_offset;
}

// What follows is Session itself.

Session::Session(quic::Connection& connection, const Config& config)
    : impl_(std::make_unique<Impl>(connection, config)) {}

Session::~Session() = default;

void Session::assume_peer_settings(std::string_view settings) {
  std::uint64_t size = 0;
  const char* const end = settings.data() + settings.size();
  const auto [rest, problem] = std::from_chars(settings.data(), end, size);
  if (problem == std::errc{} && rest == end && !impl_->peer_settled) impl_->peer_max_section = size;
}

std::string Session::peer_settings() const {
  return impl_->peer_settled ? std::to_string(impl_->peer_max_section) : std::string{};
}

std::optional<Event> Session::poll_event() { return impl_->poll_event(); }

void Session::shutdown() { impl_->shutdown(); }

bool Session::is_drained() const noexcept { return impl_->is_drained(); }

std::size_t Session::open_streams() const noexcept { return impl_->streams.size(); }

std::uint64_t Session::progress(quic::StreamId stream) const noexcept {
  const Stream* const found = impl_->find(stream);
  return found == nullptr ? 0 : found->progress;
}

quic::Connection& Session::connection() noexcept { return impl_->connection; }

std::uint64_t Session::bytes_queued() const noexcept {
  std::uint64_t sum = 0;
  impl_->streams.for_each(
      [&](const Stream& stream) { sum += stream.send.unsent() + stream.unwritten; });
  return sum;
}

void Session::on_started(quic::Connection&) { impl_->start(); }

void Session::on_connected(quic::Connection&) {
  impl_->push(Event::Type::connected, quic::no_stream, {});
}

void Session::on_early_data_rejected(quic::Connection&) { impl_->start_over(); }

void Session::on_resumable(quic::Connection&) {
  if (!std::exchange(impl_->resumable_queued, true)) {
    impl_->push(Event::Type::resumable, quic::no_stream, {});
  }
}

void Session::on_stream_closed(quic::Connection&, quic::StreamId stream,
                               std::optional<std::uint64_t> code) {
  impl_->handle_stream_closed(stream, code);
}

void Session::on_streams_available(quic::Connection&, bool bidirectional) {
  if (bidirectional && std::exchange(impl_->wants_stream, false)) {
    impl_->push(Event::Type::streams_available, quic::no_stream, {});
  }
}

void Session::on_path(quic::Connection&, const quic::PathEvent& event) {
  if (impl_->paths.size() >= quic::max_path_events) (void)impl_->paths.pop_front();
  impl_->paths.push_back(event);
}

void Session::on_closed(quic::Connection&, const Error& reason) {
  impl_->failed = true;
  impl_->disconnected = true;
  impl_->push(Event::Type::disconnected, quic::no_stream, reason);
}

}  // namespace quoin::inline v0::h3
