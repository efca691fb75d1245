// SPDX-License-Identifier: MIT
/// Credit and ends of streams, on their way to ngtcp2. A client's wait until its handshake is
/// confirmed: before that ngtcp2 looks for early data to send again in its queue of streams, and
/// forgets those that are in it only for a RESET_STREAM, STOP_SENDING or MAX_STREAM_DATA frame.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "quic/connection_impl.hpp"
#include "quic/ngtcp2/stopped_streams.h"

namespace quoin::inline v0::quic {

void Connection::Impl::carry_out(const StreamCommand& command) {
  if (!server && !handshake_confirmed) {
    commands.push_back(command);
    return;
  }
  const auto stream = static_cast<std::int64_t>(command.stream);
  switch (command.type) {
    case StreamCommand::Type::credit:
      (void)ngtcp2_conn_extend_max_stream_offset(conn.get(), stream, command.value);
      break;
    case StreamCommand::Type::reset:
      (void)ngtcp2_conn_shutdown_stream_write(conn.get(), 0, stream, command.value);
      break;
    case StreamCommand::Type::stop:
      (void)ngtcp2_conn_shutdown_stream_read(conn.get(), 0, stream, command.value);
      stopped.push_back(stream);
      break;
  }
}

void Connection::Impl::end_stopped_streams() {
  // In two steps: the application may react by stopping more.
  if (stopped.empty()) return;
  std::vector<std::int64_t> before = std::exchange(stopped, {});
  std::erase_if(before, [this](std::int64_t stream) {
    return quoin_ngtcp2_end_stopped_stream(conn.get(), stream) != 0;
  });
  stopped.insert(stopped.end(), before.begin(), before.end());
}

void Connection::Impl::carry_out_rest() {
  if (server || !handshake_confirmed) return;
  for (const StreamCommand& command : std::exchange(commands, {})) carry_out(command);
}

void Connection::consume(StreamId stream, std::size_t bytes) {
  if (bytes == 0) return;
  // A stream that is gone still owes its share of the connection's window (integration rule 17).
  impl_->carry_out({StreamCommand::Type::credit, stream, bytes});
  ngtcp2_conn_extend_max_offset(impl_->conn.get(), bytes);
  want_write();
}

void Connection::reset_stream(StreamId stream, std::uint64_t code) {
  impl_->carry_out({StreamCommand::Type::reset, stream, code});
  want_write();
}

void Connection::stop_sending(StreamId stream, std::uint64_t code) {
  impl_->carry_out({StreamCommand::Type::stop, stream, code});
  want_write();
}

}  // namespace quoin::inline v0::quic
