// SPDX-License-Identifier: MIT
/// How a process gives its UDP sockets to the one that replaces it: through a Unix socket in the
/// file system. The datagrams are relayed in relay.hpp. Not public.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <quoin/error.hpp>
#include <quoin/file_path.hpp>

#include "io/udp/descriptor.hpp"

namespace quoin::inline v0::io {

/// What is handed over. The giver keeps its own descriptors.
struct Estate {
  std::string secret;                     ///< for tokens, tickets and stateless resets
  std::vector<std::vector<int>> sockets;  ///< of each worker, as many for each
  std::vector<int> relays;                ///< an end of a Relay for each worker
};

/// An estate that was received, with the connection over which it came.
struct Inheritance {
  Descriptor connection;
  std::string secret;
  std::vector<std::vector<Descriptor>> sockets;
  std::vector<Descriptor> relays;

  /// Tells the giver that this process has begun to receive.
  void confirm() const noexcept;
};

/// Asks the process that offers its sockets at `path` for them. Waits a few seconds at most.
/// Errors: system, ENOENT or ECONNREFUSED when no process offers any; EPROTO when it runs another
/// version.
[[nodiscard]] Result<Inheritance> inherit(const FilePath& path);

/// Where the next process asks. Only processes of the same user, or root, are let in.
class HandoverListener {
 public:
  /// Replaces any socket at `path`. Errors: system, with the path.
  [[nodiscard]] static Result<HandoverListener> open(const FilePath& path);

  /// The next process that asks; -1 if there is none that may.
  [[nodiscard]] Descriptor accept() const noexcept;

  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }

 private:
  explicit HandoverListener(Descriptor socket) noexcept : socket_(std::move(socket)) {}

  Descriptor socket_;
};

/// Whether a process offers its sockets at `path`.
[[nodiscard]] bool is_offered(const FilePath& path);

/// Gives to the process that asked on `connection`. False: it has gone.
[[nodiscard]] bool give(int connection, const Estate& estate) noexcept;

/// The receiver's reply.
enum class Receipt : std::uint8_t { pending, confirmed, gone };

/// Reads it without waiting.
[[nodiscard]] Receipt read_receipt(int connection) noexcept;

}  // namespace quoin::inline v0::io
