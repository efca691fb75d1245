// SPDX-License-Identifier: MIT
/// Listener: addresses and the handler of new connections. PlainDriver does the rest.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/quic/endpoint.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "loop/endpoint_driver.hpp"
#include "plain/driver.hpp"

namespace quoin::inline v0 {

struct Listener::Impl final : PlainDriver {
  using PlainDriver::PlainDriver;
};

Listener::Listener(Loop& loop, Tls tls, quic::Config config, quic::StreamsConfig streams)
    : impl_(std::make_unique<Impl>(loop, EndpointDriver::Role::server, std::move(tls),
                                   std::move(config), streams)) {}

Listener::~Listener() { EndpointDriver::retire(std::move(impl_)); }

void Listener::on_connection(std::move_only_function<void(Connection)> handler) {
  impl_->on_connection = std::move(handler);
}

Result<Address> Listener::listen(std::string_view address) {
  if (impl_->is_shutting_down()) return std::unexpected(Error{UsageError::closed});
  const auto local = Address::parse(address);
  if (!local) return std::unexpected(local.error());
  return impl_->open(*local);
}

void Listener::on_tls_request(TlsHandler handler) {
  impl_->tls_answers.handler = std::move(handler);
}

Result<> Listener::set_tls(Tls tls) { return impl_->set_tls(std::move(tls)); }

Result<> Listener::set_token_secrets(std::vector<std::string> secrets) {
  return impl_->set_token_secrets(std::move(secrets));
}

void Listener::stop_accepting() noexcept { impl_->stop_accepting(); }

void Listener::shutdown(Duration limit, std::move_only_function<void()> done) {
  impl_->shut_down(limit, std::move(done));
}

quic::EndpointStats Listener::stats() const noexcept { return impl_->endpoint_stats(); }

}  // namespace quoin::inline v0
