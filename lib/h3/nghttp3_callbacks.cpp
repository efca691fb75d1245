// SPDX-License-Identifier: MIT
/// nghttp3's callbacks: cast, convert, forward. R7 of the data flow.
#include <cstddef>
#include <cstdint>
#include <span>

#include <nghttp3/nghttp3.h>

#include <quoin/h3/session.hpp>
#include <quoin/quic/application.hpp>

#include "h3/fields.hpp"
#include "h3/qpack_peer_table.h"
#include "h3/session_impl.hpp"
#include "h3/stream.hpp"

namespace quoin::inline v0::h3 {
namespace {

using Impl = Session::Impl;

Impl& self(void* user_data) noexcept { return *static_cast<Impl*>(user_data); }

Stream* to_stream(void* user_data) noexcept { return static_cast<Stream*>(user_data); }

int acked_stream_data(nghttp3_conn*, std::int64_t, std::uint64_t bytes, void* user, void* stream) {
  if (stream != nullptr) {
    self(user).acknowledge_body(*to_stream(stream), static_cast<std::size_t>(bytes));
  }
  return 0;
}

int recv_data(nghttp3_conn*, std::int64_t id, const std::uint8_t* data, std::size_t size,
              void* user, void* stream) {
  self(user).add_body(quic::StreamId{id}, to_stream(stream), std::as_bytes(std::span{data, size}));
  return 0;
}

int consume_deferred(nghttp3_conn*, std::int64_t id, std::size_t bytes, void* user, void*) {
  self(user).connection.consume(quic::StreamId{id}, bytes);
  return 0;
}

int section_begins(nghttp3_conn* conn, std::int64_t id, void* user, void* stream) {
  Stream* begun = self(user).begin_section(quic::StreamId{id}, to_stream(stream));
  return stream != nullptr ? 0 : nghttp3_conn_set_stream_user_data(conn, id, begun);
}

int recv_field(nghttp3_conn*, std::int64_t, std::int32_t, nghttp3_rcbuf* name, nghttp3_rcbuf* value,
               std::uint8_t flags, void* user, void* stream) {
  self(user).add_field(*to_stream(stream), to_text(name), to_text(value),
                       (flags & NGHTTP3_NV_FLAG_NEVER_INDEX) != 0);
  return 0;
}

int headers_end(nghttp3_conn*, std::int64_t, int, void* user, void* stream) {
  self(user).end_headers(*to_stream(stream));
  return 0;
}

int trailers_end(nghttp3_conn*, std::int64_t, int, void* user, void* stream) {
  self(user).end_trailers(*to_stream(stream));
  return 0;
}

int message_ends(nghttp3_conn*, std::int64_t, void* user, void* stream) {
  self(user).end_message(*to_stream(stream));
  return 0;
}

int ask_to_stop(nghttp3_conn*, std::int64_t id, std::uint64_t code, void* user, void*) {
  self(user).connection.stop_sending(quic::StreamId{id}, code);
  return 0;
}

int ask_to_reset(nghttp3_conn*, std::int64_t id, std::uint64_t code, void* user, void*) {
  self(user).connection.reset_stream(quic::StreamId{id}, code);
  return 0;
}

int recv_goaway(nghttp3_conn*, std::int64_t id, void* user) {
  self(user).handle_goaway(id);
  return 0;
}

int recv_settings(nghttp3_conn* conn, const nghttp3_proto_settings* settings, void* user) {
  quoin_qpack_set_peer_capacity(conn, settings->qpack_max_dtable_capacity);
  self(user).handle_settings(*settings);
  return 0;
}

nghttp3_ssize read_data(nghttp3_conn*, std::int64_t, nghttp3_vec* out, std::size_t size,
                        std::uint32_t* flags, void* user, void* stream) {
  return self(user).give_body(*to_stream(stream), {out, size}, *flags);
}

}  // namespace

nghttp3_callbacks Impl::callbacks() noexcept {
  nghttp3_callbacks table{};
  table.acked_stream_data = acked_stream_data;
  table.recv_data = recv_data;
  table.deferred_consume = consume_deferred;
  table.begin_headers = section_begins;
  table.recv_header = recv_field;
  table.end_headers = headers_end;
  table.begin_trailers = section_begins;
  table.recv_trailer = recv_field;
  table.end_trailers = trailers_end;
  table.stop_sending = ask_to_stop;
  table.end_stream = message_ends;
  table.reset_stream = ask_to_reset;
  table.shutdown = recv_goaway;
  table.recv_settings2 = recv_settings;
  return table;
}

const nghttp3_data_reader Impl::body_reader{read_data};

}  // namespace quoin::inline v0::h3
