// SPDX-License-Identifier: MIT
/// Servers on threads. All that threads share is the kernel's group of sockets, the Tls, and the
/// queue of posted jobs of each loop.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
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

#include "server/server_impl.hpp"
#include "server/takeover_relays.hpp"
#include "server/workers_impl.hpp"

namespace quoin::inline v0 {
namespace {

constexpr unsigned max_workers = 128;
constexpr std::size_t secret_size = 32;
/// What the end of the limit leaves for telling the clients.
constexpr Duration goodbye = std::chrono::milliseconds{100};

unsigned wanted_count(unsigned count) noexcept {
  if (count != 0) return count;
  return std::clamp(std::thread::hardware_concurrency(), 1U, max_workers);
}

}  // namespace

Workers::Impl::Impl(unsigned wanted, Tls with, ServerConfig settings, Prepare setup,
                    MakeBackend backends)
    : count(wanted_count(wanted)),
      tls(std::move(with)),
      config(std::move(settings)),
      prepare(std::move(setup)),
      make_backend(std::move(backends)) {}

Result<> Workers::Impl::make_places() {
  if (!places.empty()) return {};
  if (count > max_workers) {
    return std::unexpected{Error{UsageError::invalid_argument, "Workers: count: must be 0 to 128"}};
  }
  if (config.quic.connection_ids) {
    return std::unexpected{Error{UsageError::invalid_argument,
                                 "quic::Config::connection_ids: must be null, each worker of "
                                 "Workers has its own"}};
  }
  for (unsigned number = 0; number < count; ++number) {
    if (Result<> made = make_place(number); !made) {
      places.clear();
      return made;
    }
  }
  return {};
}

Result<> Workers::Impl::make_place(unsigned number) {
  auto place = std::make_unique<Place>();
  place->loop = std::make_unique<Loop>(make_backend ? make_backend({.workers = count})
                                                    : io::epoll_backend({.workers = count}));
  if (config.quic.secret.empty()) {
    config.quic.secret.resize(secret_size);
    place->loop->backend().fill_random(std::as_writable_bytes(std::span{config.quic.secret}));
  }
  auto cids = quic::worker_cids(number, count);
  if (!cids) return std::unexpected{cids.error()};
  ServerConfig own = config;
  own.quic.connection_ids = std::move(*cids);
  place->server = std::make_unique<Server>(*place->loop, tls, std::move(own));
  places.push_back(std::move(place));
  return {};
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
    return std::unexpected{Error{UsageError::closed, "Workers::listen() after start()"}};
  }
  if (!impl_->taken_from.empty()) {
    return std::unexpected{Error{UsageError::invalid_argument,
                                 "Workers::listen(): the addresses are those taken over"}};
  }
  if (const Result<> made = impl_->make_places(); !made) return std::unexpected{made.error()};
  // The kernel numbers the sockets of a group as they come.
  std::optional<Address> opened;
  for (const auto& place : impl_->places) {
    Result<Address> own =
        place->server->listen(opened ? opened->to_string() : std::string{address});
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
  for (const auto& place : impl_->places) {
    place->thread = std::thread{[place = place.get()] { place->run(); }};
  }
  if (impl_->inheritance) {
    impl_->inheritance->confirm();
    impl_->inheritance.reset();
  }
}

void Workers::shutdown(Duration limit) {
  for (const auto& place : impl_->places) {
    place->loop->post([place = place.get(), limit] {
      place->server->shutdown(limit, [place] { place->end(); });
      const Duration longest = limit < Duration::max() - goodbye ? limit + goodbye : limit;
      place->loop->after(longest, [place] { place->forget_older(); });
    });
  }
}

void Workers::join() {
  for (const auto& place : impl_->places) {
    if (place->thread.joinable()) place->thread.join();
  }
  // What comes for new clients is the next process's.
  if (impl_->handover) impl_->handover->finish(has_long_header);
  for (const auto& place : impl_->places) place->server->impl_->relays = {};
}

Result<> Workers::set_tls(const Tls& tls) {
  impl_->tls = tls;
  for (const auto& place : impl_->places) {
    Result<> set = place->ask([&] { return place->server->set_tls(tls); });
    if (!set) return set;
  }
  return {};
}

Result<> Workers::set_token_secrets(const std::vector<std::string>& secrets) {
  for (const auto& place : impl_->places) {
    Result<> set = place->ask([&] { return place->server->set_token_secrets(secrets); });
    if (!set) return set;
  }
  return {};
}

ServerStats Workers::stats() {
  ServerStats sum;
  for (const auto& place : impl_->places) {
    sum += place->ask([&] { return place->server->stats(); });
  }
  return sum;
}

}  // namespace quoin::inline v0
