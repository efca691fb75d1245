// SPDX-License-Identifier: MIT
/// Servers on threads. Threads share only the kernel's group of sockets, the Tls, and each loop's
/// queue of posted jobs.
#include <algorithm>
#include <cstddef>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/io/epoll.hpp>
#include <quoin/io/socket_options.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/cid.hpp>
#include <quoin/server.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>
#include <quoin/workers.hpp>

#include "quic/endpoint/token_secrets.hpp"
#include "server/server_impl.hpp"
#include "server/takeover_relays.hpp"
#include "server/workers_impl.hpp"
#include "tls/session.hpp"

namespace quoin::inline v0 {
namespace {

constexpr unsigned max_workers = 128;
constexpr std::size_t secret_size = 32;

unsigned wanted_count(unsigned count) noexcept {
  if (count != 0) return count;
  return std::clamp(std::thread::hardware_concurrency(), 1U, max_workers);
}

}  // namespace

Workers::Impl::Impl(unsigned wanted, Tls with, ServerConfig settings, Prepare setup,
                    MakeBackend backends)
    : count(wanted_count(wanted)),
      prepare(std::move(setup)),
      make_backend(std::move(backends)),
      tls(std::move(with)),
      config(std::move(settings)) {}

Result<> Workers::Impl::make_places() {
  if (!places.empty()) return {};
  if (count > max_workers) {
    return std::unexpected(Error{UsageError::invalid_argument, "Workers: count: must be 0 to 128"});
  }
  if (config.quic.connection_ids) {
    return std::unexpected(Error{UsageError::invalid_argument,
                                 "quic::Config::connection_ids: must be null, each worker of "
                                 "Workers has its own"});
  }
  for (unsigned number = 0; number < count; ++number) {
    if (Result<> made = make_place(number); !made) {
      drop_places();
      return made;
    }
  }
  return {};
}

Result<> Workers::Impl::make_place(unsigned number) {
  auto loop = std::make_unique<Loop>(make_backend ? make_backend({.workers = count})
                                                  : io::epoll_backend({.workers = count}));
  auto cids = quic::worker_cids(number, count);
  if (!cids) return std::unexpected(cids.error());
  std::string secret(secret_size, '\0');
  loop->backend().fill_random(std::as_writable_bytes(std::span{secret}));
  const std::scoped_lock lock{mutex};
  if (config.quic.secret.empty()) config.quic.secret = std::move(secret);
  ServerConfig own = config;
  own.quic.connection_ids = std::move(*cids);
  places.push_back(std::make_unique<Place>(std::move(loop), tls, std::move(own)));
  return {};
}

void Workers::Impl::drop_places() {
  std::vector<std::unique_ptr<Place>> dropped;
  const std::scoped_lock lock{mutex};
  dropped.swap(places);
}

Workers::Workers(unsigned count, Tls tls, ServerConfig config, Prepare prepare,
                 MakeBackend backends)
    : impl_(std::make_unique<Impl>(count, std::move(tls), std::move(config), std::move(prepare),
                                   std::move(backends))) {}

Workers::~Workers() {
  shutdown(Duration::zero());
  join();
}

unsigned Workers::count() const noexcept { return impl_->count; }

Result<Address> Workers::listen(std::string_view address) {
  if (impl_->started) {
    return std::unexpected(Error{UsageError::closed, "Workers::listen() after start()"});
  }
  if (!impl_->taken_from.empty()) {
    return std::unexpected(Error{UsageError::invalid_argument,
                                 "Workers::listen(): the addresses are those taken over"});
  }
  if (const Result<> made = impl_->make_places(); !made) return std::unexpected(made.error());
  // The kernel numbers the sockets of a group in the order they join.
  std::optional<Address> opened;
  for (const auto& place : impl_->places) {
    Result<Address> own = place->with_server([&](Server& server) {
      return server.listen(opened ? opened->to_string() : std::string{address});
    });
    if (!own) return own;
    if (!opened) opened = *own;
  }
  impl_->addresses.push_back(*opened);
  return *opened;
}

void Workers::start() {
  if (std::exchange(impl_->started, true)) return;
  for (unsigned number = 0; const auto& place : impl_->places) {
    const Worker worker{.loop = *place->loop, .server = *place->server, .number = number++};
    if (impl_->prepare) impl_->prepare(worker);
  }
  if (impl_->inheritance) impl_->link_to_older();
  for (const auto& place : impl_->places) place->start();
  if (impl_->inheritance) {
    impl_->inheritance->confirm();
    impl_->inheritance.reset();
  }
}

void Workers::shutdown(Duration limit) {
  const std::scoped_lock lock{impl_->mutex};
  for (const auto& place : impl_->places) place->shutdown(limit);
}

void Workers::join() {
  for (const auto& place : impl_->places) {
    if (place->is_here()) return;
  }
  for (const auto& place : impl_->places) place->join();
  // Datagrams from new clients belong to the next process.
  if (impl_->handover) impl_->handover->finish(has_long_header);
  for (const auto& place : impl_->places) place->server->impl_->relays = {};
}

/// Makes a change that cannot fail on all workers, in the same order as other changes, and waits
/// until it is made.
void Workers::Impl::change_all(std::unique_lock<std::mutex> lock, const Change& change) {
  const auto left = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(places.size()));
  for (const auto& place : places) {
    place->change([change, left, server = place->server.get()] {
      change(*server);
      left->count_down();
    });
  }
  lock.unlock();
  // Two workers waiting for each other would deadlock.
  if (!Place::is_worker_here()) left->wait();
}

Result<> Workers::set_tls(const Tls& tls) {
  if (!tls.is_server()) {
    return std::unexpected(Error{UsageError::invalid_argument, "workers need a server's Tls"});
  }
  std::unique_lock lock{impl_->mutex};
  impl_->tls = tls;
  // Before any worker uses it in a handshake; each then finds the keys already set.
  if (!impl_->places.empty()) {
    tls::share_ticket_keys(tls, impl_->config.quic.secret);
  }
  impl_->change_all(std::move(lock), [tls](Server& server) { (void)server.set_tls(tls); });
  return {};
}

Result<> Workers::set_token_secrets(const std::vector<std::string>& secrets) {
  if (const Result<> usable = quic::check_token_secrets(secrets); !usable) return usable;
  std::unique_lock lock{impl_->mutex};
  impl_->config.quic.token_secrets = secrets;
  impl_->change_all(std::move(lock),
                    [secrets](Server& server) { (void)server.set_token_secrets(secrets); });
  return {};
}

ServerStats Workers::stats() const {
  ServerStats sum;
  const std::scoped_lock lock{impl_->mutex};
  for (const auto& place : impl_->places) sum += place->stats();
  return sum;
}

}  // namespace quoin::inline v0
