// SPDX-License-Identifier: MIT
/// Listener: addresses and the handler of new connections. The rest is PlainDriver's.
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
#include <quoin/tls.hpp>

#include "plain/driver.hpp"

namespace quoin::inline v0 {

struct Listener::Impl {
  PlainDriver driver;
};

Listener::Listener(Loop& loop, Tls tls, quic::Config config, quic::StreamsConfig streams)
    : impl_(new Impl{.driver{loop, std::move(tls), std::move(config), streams, true}}) {}

Listener::~Listener() = default;

void Listener::on_connection(std::move_only_function<void(Connection)> handler) {
  impl_->driver.on_connection = std::move(handler);
}

Result<Address> Listener::listen(std::string_view address) {
  const auto local = Address::parse(address);
  if (!local) return std::unexpected(local.error());
  return impl_->driver.open(*local);
}

void Listener::on_tls_request(TlsHandler handler) {
  impl_->driver.tls_answers.handler = std::move(handler);
}

Result<> Listener::set_token_secrets(std::vector<std::string> secrets) {
  return impl_->driver.set_token_secrets(std::move(secrets));
}

void Listener::stop_accepting() noexcept { impl_->driver.stop_accepting(); }

quic::EndpointStats Listener::stats() const noexcept { return impl_->driver.stats(); }

}  // namespace quoin::inline v0
