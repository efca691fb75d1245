// SPDX-License-Identifier: MIT
/// What the backends on real sockets have in common: clock, randomness, the sockets, sending and
/// errors. They differ in waiting and receiving.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>
#include <quoin/time.hpp>

#include "base/local_table.hpp"
#include "io/udp/descriptor.hpp"
#include "io/udp/random_pool.hpp"
#include "io/udp/shared_sockets.hpp"
#include "io/udp/socket_calls.hpp"
#include "io/udp/udp_socket.hpp"

namespace quoin::inline v0::io {

/// A system error with its message.
[[nodiscard]] std::unexpected<Error> failed(int failure, std::string what);

/// Everything of io::Backend but wait(), receive() and descriptor().
class SocketBackend : public Backend, public SharedSockets {
 public:
  [[nodiscard]] Time now() const noexcept override;

  void fill_random(std::span<std::byte> out) noexcept override { random_.fill(out); }

  [[nodiscard]] Result<Address> open(const Address& local) override;
  [[nodiscard]] Result<Address> source_for(const Address& remote) override;
  void close(const Address& local) noexcept override;

  [[nodiscard]] Capabilities capabilities() const noexcept override { return capabilities_; }

  [[nodiscard]] std::size_t send(std::span<const Datagram> batch) override;
  [[nodiscard]] std::span<const PathError> errors() override;
  void wake() noexcept override;
  [[nodiscard]] std::string describe() const override;

  [[nodiscard]] Result<Address> adopt(int descriptor) override;
  [[nodiscard]] int descriptor_of(const Address& local) const noexcept override;
  void stop_receiving(const Address& local) noexcept override;

 protected:
  /// `name` is what describe() begins with; `calls` must outlive the backend.
  SocketBackend(std::string name, const SocketOptions& options, SocketCalls& calls);

  /// Begins to wait for an opened socket. On an error the socket is not kept.
  [[nodiscard]] virtual Result<void> watch(UdpSocket& socket) = 0;
  /// Stops waiting for it, before the socket is closed.
  virtual void unwatch(UdpSocket& socket) noexcept = 0;
  /// Stops waiting for datagrams only, on a socket that is_send_only. What has already arrived is
  /// still received.
  virtual void unwatch_readable(UdpSocket& socket) noexcept = 0;
  /// Asks to be told about room to send while the socket has none, and only then.
  virtual void watch_writable(UdpSocket& socket) noexcept = 0;

  [[nodiscard]] std::span<const std::unique_ptr<UdpSocket>> sockets() const noexcept {
    return sockets_;
  }

  /// errors() has something to report.
  [[nodiscard]] bool has_errors() const noexcept { return !failing_.empty(); }

  /// `socket` has room again.
  void handle_writable(UdpSocket& socket);
  /// The error queue of `socket` has something.
  void handle_error(UdpSocket& socket);
  /// Checks what receiving or sending has changed about the socket.
  void note(UdpSocket& socket);

  /// The eventfd that wake() writes to.
  [[nodiscard]] int wake_descriptor() const noexcept { return wake_.get(); }

 private:
  [[nodiscard]] Result<Address> keep(Result<std::unique_ptr<UdpSocket>> opened);
  void update_capabilities() noexcept;

  std::string name_;
  SocketOptions options_;
  SocketCalls& calls_;
  Descriptor wake_;
  RandomPool random_;
  bool knows_offload_ = false;
  std::vector<std::unique_ptr<UdpSocket>> sockets_;
  LocalTable<UdpSocket> senders_;
  std::vector<UdpSocket*> failing_;  // those with errors to tell
  Capabilities capabilities_;        // of all sockets together
  SendBatch sending_;
  std::vector<PathError> errors_;
};

}  // namespace quoin::inline v0::io
