// SPDX-License-Identifier: MIT
/// What a backend must be able to do so that another process can take its sockets over. Not public.
#pragma once

#include <quoin/address.hpp>
#include <quoin/error.hpp>

namespace quoin::inline v0::io {

/// In addition to io::Backend, for backends on the system's sockets.
class SharedSockets {
 public:
  SharedSockets() = default;
  SharedSockets(const SharedSockets&) = delete;
  SharedSockets& operator=(const SharedSockets&) = delete;
  virtual ~SharedSockets() = default;

  /// As Backend::open() with a socket that another process opened; takes the descriptor.
  [[nodiscard]] virtual Result<Address> adopt(int descriptor) = 0;
  /// The socket that open() or adopt() returned `local` for; -1: there is none.
  [[nodiscard]] virtual int descriptor_of(const Address& local) const noexcept = 0;
  /// Leaves receiving to the other process from now on; sending goes on.
  virtual void stop_receiving(const Address& local) noexcept = 0;
};

}  // namespace quoin::inline v0::io
