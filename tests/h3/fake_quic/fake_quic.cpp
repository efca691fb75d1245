// SPDX-License-Identifier: MIT
/// The frames between two connections, and the members of quic::Connection that HTTP/3 uses.
#include "fake_quic.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/time.hpp>

namespace quoin::test {
namespace {

/// One direction's half and the other's, as one side sees them.
struct FakeStream {
  bool can_send = true;
  std::uint64_t sent = 0;
  std::uint64_t send_limit = 0;
  bool fin_sent = false;
  bool fin_acknowledged = false;
  bool blocked = false;
  bool unblock_due = false;
  bool reset_sent = false;
  bool reset_acknowledged = false;

  bool can_receive = true;
  std::uint64_t received = 0;
  std::uint64_t consumed = 0;
  bool fin_received = false;
  bool reset_received = false;
  bool stopped = false;

  std::optional<std::uint64_t> code;
  bool over = false;
};

}  // namespace

struct FakeQuic::Frame {
  enum class Type : std::uint8_t { data, reset, stop };

  [[nodiscard]] static Frame of(Type type, quic::StreamId id, std::uint64_t code = 0) {
    Frame frame;
    frame.type = type;
    frame.id = id;
    frame.code = code;
    return frame;
  }

  Type type{};
  bool to_server = false;
  quic::StreamId id{};
  std::vector<Bytes> slices;  // where the sender keeps them
  std::string copy;           // what they were when they were sent
  bool fin = false;
  std::uint64_t code = 0;
};

}  // namespace quoin::test

namespace quoin::inline v0::quic {

struct Connection::Impl {
  Impl(test::FakeQuic& fake, bool is_server) : net(fake), server(is_server) {}

  test::FakeStream& stream(StreamId id) {
    const auto [found, is_new] = streams.try_emplace(id);
    if (is_new) {
      const bool ours = is_server_initiated(id) == server;
      found->second.send_limit = net.options_.stream_window;
      found->second.can_send = ours || is_bidirectional(id);
      found->second.can_receive = !ours || is_bidirectional(id);
    }
    return found->second;
  }

  void put(test::FakeQuic::Frame frame) {
    frame.to_server = !server;
    net.wire_.push_back(std::move(frame));
  }

  test::FakeQuic& net;
  const bool server;
  Connection handle{*this};
  Impl* peer = nullptr;
  Application* app = nullptr;
  std::map<StreamId, test::FakeStream> streams;
  std::array<std::uint64_t, 2> opened{};  // unidirectional, bidirectional
  std::array<std::uint64_t, 2> limit{};
  std::uint64_t sent = 0;
  std::uint64_t send_limit = 0;
  std::optional<Error> close_reason;
  bool told_closed = false;
  std::mt19937_64 random{42};
};

bool Connection::is_server() const noexcept { return impl_->server; }

bool Connection::is_early() const noexcept { return false; }

Result<StreamId> Connection::open_stream(bool bidirectional) {
  if (impl_->close_reason) return std::unexpected(Error{UsageError::closed});
  if (streams_left(bidirectional) == 0) return std::unexpected(Error{UsageError::limit_reached});
  const auto ordinal = static_cast<std::int64_t>(impl_->opened[bidirectional ? 1U : 0U]++);
  const StreamId id{ordinal * 4 + (bidirectional ? 0 : 2) + (impl_->server ? 1 : 0)};
  impl_->stream(id);
  return id;
}

std::uint64_t Connection::streams_left(bool bidirectional) const noexcept {
  const std::size_t kind = bidirectional ? 1 : 0;
  return impl_->limit[kind] - impl_->opened[kind];
}

void Connection::want_write() noexcept {}

void Connection::consume(StreamId id, std::size_t bytes) {
  test::FakeStream& stream = impl_->stream(id);
  stream.consumed += bytes;
  if (stream.consumed > stream.received) {
    impl_->net.violations.emplace_back("more credit than was received");
  }
  impl_->peer->send_limit += bytes;
  test::FakeStream& sender = impl_->peer->stream(id);
  sender.send_limit += bytes;
  // Also those that were only short of the connection's credit are looked at again by pump().
  if (bytes > 0 && sender.blocked) sender.unblock_due = true;
}

void Connection::reset_stream(StreamId id, std::uint64_t code) {
  test::FakeStream& stream = impl_->stream(id);
  if (!stream.can_send || stream.reset_sent || stream.fin_acknowledged || stream.over) return;
  stream.reset_sent = true;
  stream.code = code;
  impl_->put(test::FakeQuic::Frame::of(test::FakeQuic::Frame::Type::reset, id, code));
}

void Connection::stop_sending(StreamId id, std::uint64_t code) {
  test::FakeStream& stream = impl_->stream(id);
  if (!stream.can_receive || stream.stopped || stream.over) return;
  stream.stopped = true;
  if (stream.fin_received || stream.reset_received) return;
  impl_->put(test::FakeQuic::Frame::of(test::FakeQuic::Frame::Type::stop, id, code));
}

void Connection::fill_random(std::span<std::byte> out) {
  for (std::byte& octet : out) octet = static_cast<std::byte>(impl_->random());
}

Time Connection::now() const noexcept { return impl_->net.now; }

std::size_t Connection::max_datagram_size() const noexcept {
  return impl_->net.options_.datagram_size;
}

Result<DatagramId> Connection::send_datagram(Bytes data) {
  if (data.size() > max_datagram_size()) return std::unexpected(Error{UsageError::too_large});
  impl_->net.datagrams_.emplace_back(!impl_->server, as_text(data));
  return DatagramId{};
}

void Connection::close(const Error& reason) {
  if (!impl_->close_reason) impl_->close_reason = reason;
}

}  // namespace quoin::inline v0::quic

namespace quoin::test {

FakeQuic::FakeQuic(const FakeOptions& options)
    : options_(options),
      client_(std::make_unique<End>(*this, false)),
      server_(std::make_unique<End>(*this, true)) {
  client_->peer = server_.get();
  server_->peer = client_.get();
  for (End* end : {client_.get(), server_.get()}) {
    end->send_limit = options.connection_window;
    end->limit[0] = options.unidirectional_streams;
    end->limit[1] = options.bidirectional_streams;
  }
}

FakeQuic::~FakeQuic() = default;

quic::Connection& FakeQuic::client() noexcept { return client_->handle; }

quic::Connection& FakeQuic::server() noexcept { return server_->handle; }

void FakeQuic::set_applications(quic::Application& client, quic::Application& server) noexcept {
  client_->app = &client;
  server_->app = &server;
}

void FakeQuic::start() {
  for (End* end : {server_.get(), client_.get()}) {
    end->app->on_started(end->handle);
    end->app->on_connected(end->handle);
  }
}

void FakeQuic::pump() {
  bool moved = true;
  while (moved) {
    moved = tell_closed();
    for (End* end : {client_.get(), server_.get()}) {
      moved = tell_unblocked(*end) || moved;
      moved = write(*end) || moved;
    }
    moved = deliver() || moved;
    moved = deliver_datagrams() || moved;
    moved = acknowledge() || moved;
  }
}

bool FakeQuic::write(End& end) {
  bool wrote = false;
  while (!end.close_reason && !end.peer->close_reason && end.sent < end.send_limit) {
    const quic::StreamWrite next = end.app->next_write();
    if (next.id == quic::no_stream) break;
    FakeStream& stream = end.stream(next.id);
    if (!stream.can_send || stream.reset_sent || stream.over) {
      end.app->on_write_closed(next.id);
      continue;
    }
    std::size_t room = std::min<std::size_t>(options_.frame_size, end.send_limit - end.sent);
    room = std::min<std::size_t>(room, stream.send_limit - stream.sent);
    Frame frame = Frame::of(Frame::Type::data, next.id);
    frame.fin = next.fin;
    for (const Bytes slice : next.slices) {
      const Bytes taken = slice.first(std::min(slice.size(), room - frame.copy.size()));
      frame.fin = frame.fin && taken.size() == slice.size();
      if (taken.empty()) continue;
      frame.slices.push_back(taken);
      frame.copy += as_text(taken);
    }
    if (frame.copy.empty() && !frame.fin) {
      if (next.slices.empty()) violations.emplace_back("an offer of nothing");
      stream.blocked = true;
      end.app->on_blocked(next.id);
      continue;
    }
    end.sent += frame.copy.size();
    stream.sent += frame.copy.size();
    stream.fin_sent = frame.fin;
    end.app->on_written(next.id, frame.copy.size(), frame.fin);
    end.put(std::move(frame));
    wrote = true;
  }
  return wrote;
}

bool FakeQuic::deliver_datagrams() {
  const auto all = std::exchange(datagrams_, {});
  for (const auto& [to_server, bytes] : all) {
    End& to = to_server ? *server_ : *client_;
    if (!to.close_reason && !to.peer->close_reason) {
      to.app->on_datagram(to.handle, as_bytes(bytes));
    }
  }
  return !all.empty();
}

bool FakeQuic::deliver() {
  std::deque<Frame> held;
  bool delivered = false;
  while (!wire_.empty()) {
    Frame frame = std::move(wire_.front());
    wire_.pop_front();
    if (hold && hold(frame.to_server, frame.id)) {
      held.push_back(std::move(frame));
      continue;
    }
    delivered = true;
    End& to = frame.to_server ? *server_ : *client_;
    if (to.close_reason || to.peer->close_reason) continue;
    switch (frame.type) {
      case Frame::Type::data:
        deliver_data(to, frame);
        break;
      case Frame::Type::reset:
        deliver_reset(to, frame);
        break;
      case Frame::Type::stop:
        deliver_stop(to, frame);
        break;
    }
  }
  wire_ = std::move(held);
  return delivered;
}

void FakeQuic::deliver_data(End& to, Frame& frame) {
  FakeStream& stream = to.stream(frame.id);
  if (!stream.over && !stream.reset_received) {
    stream.received += frame.copy.size();
    stream.fin_received = frame.fin;
    if (stream.stopped) {
      to.handle.consume(frame.id, frame.copy.size());
    } else {
      to.app->on_stream_data(to.handle, frame.id, as_bytes(frame.copy), frame.fin);
    }
  }
  const quic::StreamId id = frame.id;
  acknowledgements_.push_back(std::move(frame));
  check_over(to, id);
}

void FakeQuic::deliver_reset(End& to, const Frame& frame) {
  FakeStream& stream = to.stream(frame.id);
  FakeStream& sender = to.peer->stream(frame.id);
  if (!stream.over && !stream.fin_received) {
    // What was sent and not received counts as consumed (RFC 9000 §4.5).
    to.peer->send_limit += sender.sent - stream.received;
    stream.reset_received = true;
    stream.code = frame.code;
    if (!stream.stopped) to.app->on_stream_reset(to.handle, frame.id, frame.code);
  }
  check_over(to, frame.id);
  sender.reset_acknowledged = true;
  check_over(*to.peer, frame.id);
}

void FakeQuic::deliver_stop(End& to, const Frame& frame) {
  const FakeStream& stream = to.stream(frame.id);
  if (stream.over || stream.fin_acknowledged || stream.reset_sent) return;
  to.app->on_stop_sending(to.handle, frame.id, frame.code);
  to.handle.reset_stream(frame.id, frame.code);
}

bool FakeQuic::acknowledge() {
  if (hold_acknowledgements || acknowledgements_.empty()) return false;
  for (const Frame& frame : std::exchange(acknowledgements_, {})) {
    End& sender = frame.to_server ? *client_ : *server_;
    FakeStream& stream = sender.stream(frame.id);
    if (stream.over || sender.close_reason || sender.peer->close_reason) continue;
    std::string still;
    for (const Bytes slice : frame.slices) still += as_text(slice);
    if (still != frame.copy) violations.emplace_back("bytes changed before they were acknowledged");
    if (!still.empty()) sender.app->on_stream_acked(frame.id, still.size());
    stream.fin_acknowledged = stream.fin_acknowledged || frame.fin;
    check_over(sender, frame.id);
  }
  return true;
}

void FakeQuic::check_over(End& end, quic::StreamId id) {
  FakeStream& stream = end.stream(id);
  const bool sent = !stream.can_send || stream.fin_acknowledged || stream.reset_acknowledged;
  const bool received = !stream.can_receive || stream.fin_received || stream.reset_received;
  if (stream.over || !sent || !received) return;
  stream.over = true;
  end.app->on_stream_closed(end.handle, id, stream.code);
  if (is_server_initiated(id) != end.server) {
    ++end.peer->limit[is_bidirectional(id) ? 1U : 0U];
    end.peer->app->on_streams_available(end.peer->handle, is_bidirectional(id));
  }
}

bool FakeQuic::tell_unblocked(End& end) {
  bool told = false;
  for (auto& [id, stream] : end.streams) {
    if (!stream.unblock_due) continue;
    stream.unblock_due = stream.blocked = false;
    told = true;
    if (!stream.over) end.app->on_unblocked(id);
  }
  return told;
}

bool FakeQuic::tell_closed() {
  const auto reason = closed();
  if (!reason) return false;
  bool told = false;
  for (End* end : {client_.get(), server_.get()}) {
    if (std::exchange(end->told_closed, true)) continue;
    end->close_reason = reason;
    end->app->on_closed(end->handle, *reason);
    told = true;
  }
  return told;
}

std::uint64_t FakeQuic::credit_given_by(bool server_side) const noexcept {
  const End& sender = server_side ? *client_ : *server_;
  return sender.send_limit - sender.sent;
}

std::size_t FakeQuic::open_streams(bool server_side) const noexcept {
  const End& end = server_side ? *server_ : *client_;
  return static_cast<std::size_t>(
      std::ranges::count_if(end.streams, [](const auto& entry) { return !entry.second.over; }));
}

std::optional<Error> FakeQuic::closed() const {
  return client_->close_reason ? client_->close_reason : server_->close_reason;
}

}  // namespace quoin::test
