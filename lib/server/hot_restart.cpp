// SPDX-License-Identifier: MIT
/// Workers in a hot restart: sockets taken from the previous process and handed to the next one,
/// and the datagrams that they pass on to each other.
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/workers.hpp>

#include "io/takeover/handover.hpp"
#include "io/takeover/handover_thread.hpp"
#include "io/takeover/relay.hpp"
#include "io/udp/descriptor.hpp"
#include "io/udp/shared_sockets.hpp"
#include "loop/call_in_place.hpp"
#include "server/server_impl.hpp"
#include "server/takeover_relays.hpp"
#include "server/workers_impl.hpp"

namespace quoin::inline v0 {

Result<std::vector<Address>> Workers::take_over(const FilePath& path) {
  if (impl_->started || !impl_->places.empty()) {
    return std::unexpected(
        Error{UsageError::closed, "Workers::take_over() after listen() or start()"});
  }
  Result<io::Inheritance> from = io::inherit(path);
  if (!from) return std::unexpected(from.error());
  impl_->count = static_cast<unsigned>(from->sockets.size());
  {
    const std::scoped_lock lock{impl_->mutex};
    if (impl_->config.quic.secret.empty()) impl_->config.quic.secret = from->secret;
  }
  if (const Result<> made = impl_->make_places(); !made) return std::unexpected(made.error());
  Result<std::vector<Address>> adopted = impl_->adopt(*from);
  if (!adopted) {
    impl_->drop_places();
    return adopted;
  }
  impl_->addresses = *adopted;
  impl_->taken_from = path;
  impl_->inheritance.emplace(std::move(*from));
  return adopted;
}

Result<std::vector<Address>> Workers::Impl::adopt(io::Inheritance& from) {
  std::vector<Address> adopted;
  for (unsigned worker = 0; worker < count; ++worker) {
    for (io::Descriptor& socket : from.sockets[worker]) {
      Result<Address> own = places[worker]->with_server(
          [&](Server& server) { return server.impl_->adopt(socket.release()); });
      if (!own) return std::unexpected(own.error());
      if (worker == 0) adopted.push_back(*own);
    }
  }
  return adopted;
}

Result<> Workers::offer(const FilePath& path, std::move_only_function<void()> taken) {
  if (!impl_->started || impl_->is_taken) {
    return std::unexpected(
        Error{UsageError::closed, "Workers::offer() before start(), or after they were taken"});
  }
  if (path != impl_->taken_from && io::is_offered(path)) {
    return std::unexpected(Error{Error::Domain::system, static_cast<std::uint64_t>(EADDRINUSE),
                                 "another process offers its sockets at " + path.native()});
  }
  Result<io::Estate> estate = impl_->estate();
  if (!estate) return std::unexpected(estate.error());
  Result<io::HandoverListener> listener = io::HandoverListener::open(path);
  if (!listener) return std::unexpected(listener.error());
  if (!impl_->handover) impl_->begin_handover();
  impl_->on_taken = std::move(taken);
  impl_->handover->offer(std::move(*listener), std::move(*estate));
  return {};
}

/// The sockets stay open as long as the servers exist, which is longer than the thread.
Result<io::Estate> Workers::Impl::estate() const {
  io::Estate estate{.secret = config.quic.secret, .sockets = {}, .relays = {}};
  for (const auto& place : places) {
    const auto* const sockets = dynamic_cast<io::SharedSockets*>(&place->loop->backend());
    std::vector<int>& own = estate.sockets.emplace_back();
    for (const Address& address : addresses) {
      const int socket = sockets == nullptr ? -1 : sockets->descriptor_of(address);
      if (socket < 0) {
        return std::unexpected(Error{UsageError::invalid_argument,
                                     "Workers::offer(): the backend has no sockets to hand over"});
      }
      own.push_back(socket);
    }
  }
  return estate;
}

void Workers::Impl::begin_handover() {
  handover = std::make_unique<io::HandoverThread>(io::HandoverThread::Events{
      .on_taken = [this](const io::Relays& newer) { give_way(newer); },
      .on_parcels =
          [this](std::size_t worker, bool from_older, std::vector<io::Parcel> parcels,
                 const std::function<void()>& done) {
            pass_on(worker, from_older, std::move(parcels), done);
          },
      .on_older_gone =
          [this](std::size_t worker) {
            Place& place = *places[worker];
            Job forget = [&place] { place.forget_older(); };
            (void)place.post(forget);
          },
  });
}

void Workers::Impl::pass_on(std::size_t worker, bool from_older, std::vector<io::Parcel> parcels,
                            const std::function<void()>& done) {
  Place& place = *places[worker];
  const auto shared = std::make_shared<std::vector<io::Parcel>>(std::move(parcels));
  Job handle = [&place, from_older, shared, done] {
    for (const io::Parcel& parcel : *shared) {
      place.server->impl_->handle_relayed(parcel.datagram, from_older);
    }
    done();
  };
  if (place.post(handle)) return;
  // Only datagrams from new clients have to go back.
  const auto& newer = place.server->impl_->relays.newer;
  for (const io::Parcel& parcel : *shared) {
    if (newer && has_long_header(parcel.datagram.payload)) (void)newer->send(parcel.datagram);
  }
  done();
}

void Workers::Impl::give_way(const io::Relays& newer) {
  is_taken = true;
  // Call on_taken only once the last one has stopped: until then new clients may still come here.
  const auto left = std::make_shared<std::atomic<std::size_t>>(places.size());
  for (std::size_t worker = 0; const auto& each : places) {
    Place& place = *each;
    Job stop = [this, &place, left, relay = newer[worker++]] {
      auto* const sockets = dynamic_cast<io::SharedSockets*>(&place.loop->backend());
      for (const Address& address : addresses) sockets->stop_receiving(address);
      place.server->impl_->relays.newer = relay;
      if (left->fetch_sub(1) == 1 && on_taken) {
        run_guarded(*place.loop, "Workers::offer", on_taken);
      }
    };
    if (!place.post(stop)) stop();
  }
}

void Workers::Impl::link_to_older() {
  io::Relays older;
  for (unsigned worker = 0; worker < count; ++worker) {
    older.push_back(std::make_shared<io::Relay>(inheritance->relays[worker].release()));
    places[worker]->server->impl_->relays.older = older.back();
  }
  begin_handover();
  handover->watch_older(older);
}

}  // namespace quoin::inline v0
