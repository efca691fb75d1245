// SPDX-License-Identifier: MIT
/// What goes out: messages into nghttp3, slices out of it, memory back when acknowledged. W2.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <nghttp3/nghttp3.h>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/headers.hpp>
#include <quoin/quic/application.hpp>

#include "h3/fields.hpp"
#include "h3/session_access.hpp"
#include "h3/session_impl.hpp"
#include "h3/stream.hpp"
#include "message/status.hpp"
#include "message/validate.hpp"
#include "quic/streams/block_pool.hpp"

namespace quoin::inline v0::h3 {
namespace {

std::unexpected<Error> refuse_call(UsageError code, std::string_view detail = {}) {
  return std::unexpected(Error{code, detail});
}

/// A message that announces a body but ends with its headers would be malformed.
bool promises_body(const Headers& headers) noexcept {
  return headers.get("content-length").value_or("0") != "0";
}

}  // namespace

Result<quic::StreamId> Session::Impl::request(const Headers& headers, bool has_body) {
  if (failed || shutdown_state != Shutdown::none) return refuse_call(UsageError::closed);
  if (server) return refuse_call(UsageError::unsupported, "a server sends no requests");
  if (peer_drains) return std::unexpected(Error{LocalError::connection_draining});
  if (conn == nullptr) return refuse_call(UsageError::limit_reached, "not connected yet");
  if (auto valid = validate_section(headers, SectionKind::request); !valid) {
    return std::unexpected(valid.error());
  }
  if (!has_body && promises_body(headers)) {
    return refuse_call(UsageError::invalid_argument, "'content-length' without a body");
  }
  if (auto fits = check_section_size(headers); !fits) return std::unexpected(fits.error());
  if (headers.get(":protocol")) {
    if (auto allowed = check_extended_connect(); !allowed) return std::unexpected(allowed.error());
  }
  const auto id = connection.open_stream(true);
  if (!id) {
    wants_stream = id.error() == Error{UsageError::limit_reached};
    return id;
  }
  Stream& stream = streams.add(pool, *id);
  stream.visible = true;
  stream.writing = has_body ? Writing::body : Writing::ended;
  const auto section = to_nghttp3(headers, fields);
  const int result = nghttp3_conn_submit_request(raw(), number(*id), section.data(), section.size(),
                                                 has_body ? &body_reader : nullptr, &stream);
  if (result != 0) {
    fail(result);
    return refuse_call(UsageError::closed, nghttp3_strerror(result));
  }
  connection.want_write();
  return *id;
}

Result<> Session::Impl::respond(quic::StreamId id, const Headers& headers, bool has_body) {
  Stream* stream = find(id);
  if (stream == nullptr || !stream->visible || stream->over || !is_alive()) {
    return refuse_call(UsageError::stale_handle);
  }
  if (!server) return refuse_call(UsageError::invalid_argument, "a client sends no responses");
  if (stream->writing == Writing::closed) return refuse_call(UsageError::closed);
  if (stream->writing != Writing::not_begun) {
    return refuse_call(UsageError::invalid_argument, "the response has begun already");
  }
  if (auto valid = validate_section(headers, SectionKind::final_response); !valid) return valid;
  const int status = status_of(headers);
  if (has_body && (status == status::no_content || status == status::not_modified)) {
    return refuse_call(UsageError::invalid_argument,
                       "a response with status " + std::to_string(status) + " has no body");
  }
  if (!has_body && !stream->is_head && status != status::not_modified && promises_body(headers)) {
    return refuse_call(UsageError::invalid_argument, "'content-length' without a body");
  }
  if (auto fits = check_section_size(headers); !fits) return fits;
  // RFC 9110 §9.3.2: the headers are those that GET would get, the body is not sent.
  stream->swallow_body = has_body && stream->is_head;
  const auto section = to_nghttp3(headers, fields);
  const int result =
      nghttp3_conn_submit_response(raw(), number(id), section.data(), section.size(),
                                   has_body && !stream->is_head ? &body_reader : nullptr);
  if (result != 0) {
    fail(result);
    return refuse_call(UsageError::closed, nghttp3_strerror(result));
  }
  stream->writing = has_body ? Writing::body : Writing::ended;
  connection.want_write();
  return {};
}

Result<> Session::Impl::inform(quic::StreamId id, const Headers& headers) {
  Stream* stream = find(id);
  if (stream == nullptr || !stream->visible || stream->over || !is_alive()) {
    return refuse_call(UsageError::stale_handle);
  }
  if (!server) return refuse_call(UsageError::invalid_argument, "a client sends no responses");
  if (stream->writing == Writing::closed) return refuse_call(UsageError::closed);
  if (stream->writing != Writing::not_begun) {
    return refuse_call(UsageError::invalid_argument, "the final response has begun already");
  }
  if (auto valid = validate_section(headers, SectionKind::interim_response); !valid) return valid;
  if (auto fits = check_section_size(headers); !fits) return fits;
  const auto section = to_nghttp3(headers, fields);
  const int result = nghttp3_conn_submit_info(raw(), number(id), section.data(), section.size());
  if (result != 0) {
    fail(result);
    return refuse_call(UsageError::closed, nghttp3_strerror(result));
  }
  connection.want_write();
  return {};
}

Result<> Session::Impl::write_trailers(quic::StreamId id, const Headers& headers) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->over || !is_alive()) {
    return refuse_call(UsageError::stale_handle);
  }
  if (stream->writing != Writing::body) {
    return refuse_call(UsageError::closed, "trailers need a body that has not ended");
  }
  if (auto valid = validate_section(headers, SectionKind::trailers); !valid) return valid;
  if (auto fits = check_section_size(headers); !fits) return fits;
  stream->writing = Writing::ended;
  if (stream->swallow_body) return {};
  stream->has_trailers = true;
  const auto section = to_nghttp3(headers, fields);
  const int result =
      nghttp3_conn_submit_trailers(raw(), number(id), section.data(), section.size());
  if (result != 0) {
    fail(result);
    return refuse_call(UsageError::closed, nghttp3_strerror(result));
  }
  resume(*stream);
  return {};
}

Result<> Session::Impl::check_section_size(const Headers& headers) const {
  if (headers.section_size() <= peer_max_section) return {};
  return refuse_call(UsageError::too_large, "the peer takes fields of " +
                                                std::to_string(peer_max_section) + " bytes, not " +
                                                std::to_string(headers.section_size()));
}

/// RFC 8441 §3: not before the server has said that it knows `:protocol`.
Result<> Session::Impl::check_extended_connect() {
  if (peer_extended_connect) return {};
  if (peer_settled) {
    return refuse_call(UsageError::unsupported, "the server does not accept extended CONNECT");
  }
  wants_stream = true;
  return refuse_call(UsageError::limit_reached, "the server's settings have not arrived");
}

std::size_t Session::Impl::write(Stream& stream, Bytes data, bool last) {
  if (stream.writing != Writing::body || !is_alive()) return 0;
  const std::size_t taken = stream.swallow_body ? data.size() : std::min(data.size(), room(stream));
  if (!stream.swallow_body) {
    stream.send.append(data.first(taken));
    copied_total += taken;
  }
  const bool ends = last && taken == data.size();
  if (taken < data.size()) stream.wants_room = true;
  if (taken > 0 || ends) written(stream, ends);
  return taken;
}

std::size_t Session::Impl::write(Stream& stream, quic::LargeBlockPtr& block, std::size_t bytes,
                                 bool last) {
  // A block left half empty costs more memory than the copy costs time.
  const bool fits = bytes >= quic::LargeBlock::size / 2 && bytes <= room(stream);
  if (!fits || stream.swallow_body) return write(stream, Bytes{block->bytes}.first(bytes), last);
  stream.send.append(block, bytes);
  copied_total += bytes;
  written(stream, last);
  return bytes;
}

void Session::Impl::written(Stream& stream, bool last) {
  if (last) stream.writing = Writing::ended;
  resume(stream);
}

bool Session::Impl::write(Stream& stream, SharedBytes data, bool last) {
  if (stream.writing != Writing::body || !is_alive()) return false;
  if (!stream.swallow_body && !data.view().empty()) {
    if (room(stream) == 0) {
      stream.wants_room = true;
      return false;
    }
    stream.send.append(std::move(data));
    // Callers that write piece by piece wait for the event, without asking for room().
    stream.wants_room = room(stream) == 0;
  }
  written(stream, last);
  return true;
}

std::size_t Session::Impl::room(Stream& stream) noexcept {
  if (stream.writing != Writing::body || !is_alive()) return 0;
  if (stream.swallow_body) return config.send_buffer;
  const std::size_t waiting = stream.send.unsent() + stream.unwritten;
  if (waiting >= config.send_buffer) return 0;
  if (copied_total >= config.send_buffer_total) {
    waits_for_total = true;
    return 0;
  }
  return std::min(config.send_buffer - waiting, config.send_buffer_total - copied_total);
}

/// Few large writes are cheaper than many small ones.
std::size_t Session::Impl::room_worth_telling() const noexcept {
  return std::max<std::size_t>(std::min(config.send_buffer, config.send_buffer_total) / 2, 1);
}

void Session::Impl::tell_room(Stream& stream) {
  if (!stream.wants_room || room(stream) < room_worth_telling()) return;
  stream.wants_room = false;
  push(Event::Type::writable, stream.id, {});
}

void Session::Impl::tell_total_room() {
  if (!waits_for_total || config.send_buffer_total < copied_total + room_worth_telling()) return;
  waits_for_total = false;
  streams.for_each([this](Stream& stream) { tell_room(stream); });
}

void Session::Impl::resume(Stream& stream) {
  if (const int result = nghttp3_conn_resume_stream(raw(), number(stream.id)); result != 0) {
    return fail(result);
  }
  connection.want_write();
}

void Session::Impl::reset_writing(Stream& stream, HttpError code) {
  if (stream.writing == Writing::closed || !is_alive()) return;
  connection.reset_stream(stream.id, static_cast<std::uint64_t>(code));
  close_writing(stream.id);
}

/// Nothing more is sent on the stream. Sent data must stay: packets with it may be on their way.
void Session::Impl::close_writing(quic::StreamId id) {
  nghttp3_conn_shutdown_stream_write(raw(), number(id));
  if (Stream* stream = find(id)) stream->writing = Writing::closed;
}

nghttp3_ssize Session::Impl::give_body(Stream& stream, std::span<nghttp3_vec> out,
                                       std::uint32_t& flags) {
  const std::size_t count = stream.send.slices(std::span{slices}.first(out.size()));
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    // nghttp3 only passes the address on; its type is not const for the sake of other users.
    auto* base = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(slices[i].data()));
    out[i] = {.base = base, .len = slices[i].size()};
    bytes += slices[i].size();
  }
  stream.send.hand_over(bytes);
  stream.unwritten += bytes;
  if (stream.writing == Writing::ended && stream.send.unsent() == 0) {
    flags |= NGHTTP3_DATA_FLAG_EOF;
    if (stream.has_trailers) flags |= NGHTTP3_DATA_FLAG_NO_END_STREAM;
  } else if (bytes == 0) {
    would_block = true;
    return NGHTTP3_ERR_WOULDBLOCK;
  }
  return static_cast<nghttp3_ssize>(count);
}

void Session::Impl::acknowledge_body(Stream& stream, std::size_t bytes) {
  const std::size_t before = stream.send.pooled();
  stream.send.acknowledge(bytes);
  stream.progress += bytes;
  copied_total -= before - stream.send.pooled();
}

void Session::Impl::drop_body(Stream& stream) {
  copied_total -= stream.send.pooled();
  stream.send.clear();
  stream.unwritten = 0;
  tell_total_room();
}

quic::StreamWrite Session::Impl::next_write() {
  while (is_alive()) {
    std::int64_t id = -1;
    int fin = 0;
    would_block = false;
    const nghttp3_ssize count =
        nghttp3_conn_writev_stream(raw(), &id, &fin, vectors.data(), vectors.size());
    if (count < 0) {
      fail(static_cast<int>(count));
      break;
    }
    if (id < 0) {
      // nghttp3 gives up after one stream with a paused body, though others may have data.
      if (would_block) continue;
      break;
    }
    const auto used = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < used; ++i) {
      slices[i] = std::as_bytes(std::span{vectors[i].base, vectors[i].len});
    }
    return {.id = quic::StreamId{id}, .slices = std::span{slices}.first(used), .fin = fin != 0};
  }
  return {};
}

void Session::Impl::handle_written(quic::StreamId id, std::size_t bytes) {
  if (!is_alive()) return;
  const int result = nghttp3_conn_add_write_offset(raw(), number(id), bytes);
  if (result != 0) return fail(result);
  if (id == control) control_written += bytes;
  Stream* stream = is_bidirectional(id) ? find(id) : nullptr;
  if (stream == nullptr) return;
  // Frame headers are counted as body: a few bytes that soon even out.
  stream->unwritten -= std::min(stream->unwritten, bytes);
  tell_room(*stream);
}

void Session::Impl::handle_acked(quic::StreamId id, std::uint64_t bytes) {
  if (!is_alive()) return;
  const int result = nghttp3_conn_add_ack_offset(raw(), number(id), bytes);
  if (result != 0) return fail(result);
  tell_total_room();
  if (id == control) {
    control_acked += bytes;
    continue_shutdown();
  }
}

// What follows is Session itself.

Result<quic::StreamId> Session::request(const Headers& headers, bool has_body) {
  return impl_->request(headers, has_body);
}

Result<> Session::respond(quic::StreamId stream, const Headers& headers, bool has_body) {
  return impl_->respond(stream, headers, has_body);
}

Result<> Session::inform(quic::StreamId stream, const Headers& headers) {
  return impl_->inform(stream, headers);
}

std::size_t Session::write(quic::StreamId stream, Bytes data, bool last) {
  Stream* found = impl_->find(stream);
  return found == nullptr ? 0 : impl_->write(*found, data, last);
}

std::size_t SessionAccess::write(Session& session, quic::StreamId stream,
                                 quic::LargeBlockPtr& block, std::size_t bytes, bool last) {
  Stream* found = session.impl_->find(stream);
  return found == nullptr ? 0 : session.impl_->write(*found, block, bytes, last);
}

bool Session::write(quic::StreamId stream, SharedBytes data, bool last) {
  Stream* found = impl_->find(stream);
  return found != nullptr && impl_->write(*found, std::move(data), last);
}

Result<> Session::write_trailers(quic::StreamId stream, const Headers& headers) {
  return impl_->write_trailers(stream, headers);
}

std::size_t Session::room(quic::StreamId stream) const noexcept {
  Stream* found = impl_->find(stream);
  if (found == nullptr) return 0;
  const std::size_t bytes = impl_->room(*found);
  if (bytes == 0) found->wants_room = true;
  return bytes;
}

void Session::cancel(quic::StreamId stream, HttpError code) {
  reset(stream, code);
  stop_sending(stream, code);
}

void Session::reset(quic::StreamId stream, HttpError code) {
  if (Stream* found = impl_->find(stream)) impl_->reset_writing(*found, code);
}

quic::StreamWrite Session::next_write() { return impl_->next_write(); }

void Session::on_written(quic::StreamId stream, std::size_t bytes, bool) {
  impl_->handle_written(stream, bytes);
}

void Session::on_stream_acked(quic::StreamId stream, std::uint64_t bytes) {
  impl_->handle_acked(stream, bytes);
}

void Session::on_blocked(quic::StreamId stream) {
  if (impl_->is_alive()) nghttp3_conn_block_stream(impl_->raw(), number(stream));
}

void Session::on_unblocked(quic::StreamId stream) {
  if (!impl_->is_alive()) return;
  const int result = nghttp3_conn_unblock_stream(impl_->raw(), number(stream));
  if (result != 0) impl_->fail(result);
}

void Session::on_write_closed(quic::StreamId stream) {
  if (impl_->is_alive()) impl_->close_writing(stream);
}

}  // namespace quoin::inline v0::h3
