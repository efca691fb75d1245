// SPDX-License-Identifier: MIT
/// QUIC without packets, for tests of what runs on it: two connections joined by a list of frames.
/// Nothing is lost, but frames can be held back, and flow control and stream limits are real.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/connection.hpp>
#include <quoin/time.hpp>

namespace quoin::test {

/// What each side grants the other.
struct FakeOptions {
  std::uint64_t stream_window = 256 * 1024;
  std::uint64_t connection_window = 1024 * 1024;
  std::uint64_t bidirectional_streams = 100;
  std::uint64_t unidirectional_streams = 100;
  std::size_t datagram_size = 1200;  ///< the most bytes of a DATAGRAM frame
  std::size_t frame_size = 1200;     ///< the most bytes of one STREAM frame
};

/// A client's and a server's connection. Each application must be set before start().
class FakeQuic {
 public:
  explicit FakeQuic(const FakeOptions& options = {});
  FakeQuic(const FakeQuic&) = delete;
  FakeQuic& operator=(const FakeQuic&) = delete;
  ~FakeQuic();

  [[nodiscard]] quic::Connection& client() noexcept;
  [[nodiscard]] quic::Connection& server() noexcept;
  void set_applications(quic::Application& client, quic::Application& server) noexcept;

  /// The handshake is complete on both sides.
  void start();
  /// Moves frames until nothing moves any more.
  void pump();

  /// Frames for which this says true stay on the wire; it is asked again in each pump().
  std::function<bool(bool to_server, quic::StreamId)> hold;
  /// Acknowledgements stay on the wire.
  bool hold_acknowledgements = false;
  Time now{std::chrono::seconds{1}};

  /// What was done against the rules of the seam, for example bytes that changed before they were
  /// acknowledged. Empty if all is well.
  std::vector<std::string> violations;

  /// Bytes that the peer of this side may still send on the whole connection.
  [[nodiscard]] std::uint64_t credit_given_by(bool server_side) const noexcept;
  /// Streams that this side has not closed.
  [[nodiscard]] std::size_t open_streams(bool server_side) const noexcept;
  /// The connection was closed with this, if at all.
  [[nodiscard]] std::optional<Error> closed() const;

 private:
  friend quic::Connection;
  struct Frame;
  using End = quic::Connection::Impl;
  friend End;

  bool write(End& end);
  bool deliver();
  bool deliver_datagrams();
  bool acknowledge();
  bool tell_unblocked(End& end);
  bool tell_closed();
  void deliver_data(End& to, Frame& frame);
  void deliver_reset(End& to, const Frame& frame);
  void deliver_stop(End& to, const Frame& frame);
  void check_over(End& end, quic::StreamId id);

  FakeOptions options_;
  std::unique_ptr<End> client_;
  std::unique_ptr<End> server_;
  std::deque<Frame> wire_;
  std::deque<std::pair<bool, std::string>> datagrams_;  // to the server, bytes
  std::deque<Frame> acknowledgements_;
};

}  // namespace quoin::test
