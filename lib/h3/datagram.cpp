// SPDX-License-Identifier: MIT
/// HTTP datagrams (RFC 9297 §2): DATAGRAM frames that name the request they belong to.
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>

#include "h3/session_impl.hpp"
#include "h3/stream.hpp"
#include "h3/varint.hpp"

namespace quoin::inline v0::h3 {
namespace {

/// Request streams are every fourth one (RFC 9297 §2.1).
std::string header_of(quic::StreamId id) {
  std::string header;
  put_varint(header, static_cast<std::uint64_t>(id) / 4);
  return header;
}

}  // namespace

void Session::Impl::handle_datagram(Bytes data) {
  if (!is_alive()) return;
  constexpr std::uint64_t last_quarter = largest_varint / 4;
  const auto quarter = take_varint(data);
  if (!quarter || *quarter > last_quarter) {
    return fail(datagram_error, "a datagram without the number of a stream");
  }
  const quic::StreamId id{static_cast<std::int64_t>(*quarter * 4)};
  const Stream* const stream = find(id);
  // It may have overtaken its request, or arrived after its end: treat it as lost.
  const bool is_wanted = stream != nullptr && stream->visible && !stream->over &&
                         !stream->discarding && config.datagrams;
  if (!is_wanted || datagrams_waiting >= config.datagram_queue) {
    ++datagrams_dropped;
    return;
  }
  ++datagrams_waiting;
  push({.type = Event::Type::datagram,
        .stream = id,
        .headers = {},
        .error = {},
        .datagram = {data.begin(), data.end()}});
}

Result<> Session::Impl::send_datagram(quic::StreamId id, Bytes data) {
  const Stream* const stream = find(id);
  if (stream == nullptr || !stream->visible || stream->over || !is_alive()) {
    return std::unexpected(Error{UsageError::stale_handle});
  }
  // None may follow the end of what we send on the stream (RFC 9297 §2.1).
  if (stream->writing == Writing::ended || stream->writing == Writing::closed) {
    return std::unexpected(Error{UsageError::closed});
  }
  if (!config.datagrams || !peer_datagrams) {
    return std::unexpected(
        Error{UsageError::unsupported, config.datagrams ? "the peer does not accept HTTP datagrams"
                                                        : "h3::Config::datagrams is off"});
  }
  std::string whole = header_of(id);
  whole += as_text(data);
  const auto sent = connection.send_datagram(as_bytes(whole));
  return sent ? Result<>{} : std::unexpected(sent.error());
}

std::size_t Session::Impl::max_datagram_size(quic::StreamId id) const noexcept {
  if (!is_alive() || !config.datagrams || !peer_datagrams) return 0;
  const std::size_t header = header_of(id).size();
  const std::size_t frame = connection.max_datagram_size();
  return frame > header ? frame - header : 0;
}

void Session::on_datagram(quic::Connection&, Bytes data) { impl_->handle_datagram(data); }

Result<> Session::send_datagram(quic::StreamId stream, Bytes data) {
  return impl_->send_datagram(stream, data);
}

std::size_t Session::max_datagram_size(quic::StreamId stream) const noexcept {
  return impl_->find(stream) == nullptr ? 0 : impl_->max_datagram_size(stream);
}

std::uint64_t Session::datagrams_dropped() const noexcept { return impl_->datagrams_dropped; }

}  // namespace quoin::inline v0::h3
