// SPDX-License-Identifier: MIT
/// Dialer: one socket per address family, and connections from it. PlainDriver does the rest.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/connection.hpp>
#include <quoin/datagram.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "base/mapped_address.hpp"
#include "loop/endpoint_driver.hpp"
#include "plain/driver.hpp"

namespace quoin::inline v0 {

struct Dialer::Impl final : PlainDriver {
  using PlainDriver::PlainDriver;

  std::optional<Address> wanted;  ///< what bind() was given
  std::optional<Address> ipv4;    ///< the socket
  std::optional<Address> ipv6;    ///< the socket

  /// The socket to reach `remote` from.
  Result<Address> socket_for(const Address& remote) {
    auto& socket = remote.is_ipv4() ? ipv4 : ipv6;
    if (socket) return *socket;
    auto opened = open(wanted ? *wanted : any_address(remote.is_ipv4()));
    if (opened) socket = *opened;
    return opened;
  }
};

Dialer::Dialer(Loop& loop, Tls tls, quic::Config config, quic::StreamsConfig streams)
    : impl_(std::make_unique<Impl>(loop, EndpointDriver::Role::client, std::move(tls),
                                   std::move(config), streams)) {}

Dialer::~Dialer() { EndpointDriver::retire(std::move(impl_)); }

void Dialer::bind(const Address& local) {
  impl_->wanted = local;
  // The sockets in use stay open for the connections they have.
  impl_->ipv4.reset();
  impl_->ipv6.reset();
}

Result<> Dialer::connect(std::string_view address, std::string_view server_name,
                         std::move_only_function<void(Result<Connection>)> done) {
  if (impl_->is_shutting_down()) return std::unexpected(Error{UsageError::closed});
  auto remote = Address::parse(address);
  if (!remote) return std::unexpected(remote.error());
  remote = unmapped(*remote);
  const auto socket = impl_->socket_for(*remote);
  if (!socket) return std::unexpected(socket.error());
  const auto local = impl_->source_for(*socket, *remote);
  if (!local) return std::unexpected(local.error());
  const std::string name = server_name.empty() ? remote->host() : std::string{server_name};
  return impl_->connect({.local = *local, .remote = *remote}, name, std::move(done));
}

void Dialer::shutdown(Duration limit, std::move_only_function<void()> done) {
  impl_->shut_down(limit, std::move(done));
}

quic::EndpointStats Dialer::stats() const noexcept { return impl_->endpoint_stats(); }

}  // namespace quoin::inline v0
