// SPDX-License-Identifier: MIT
/// Servers on threads. All that threads share is the kernel's group of sockets, the Tls, and the
/// queue of posted jobs of each loop.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
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

#include "io/takeover/handover.hpp"
#include "io/takeover/handover_thread.hpp"
#include "io/takeover/relay.hpp"
#include "io/udp/descriptor.hpp"
#include "io/udp/shared_sockets.hpp"
#include "server/server_impl.hpp"
#include "server/takeover_relays.hpp"

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

struct Workers::Impl {
  /// A thread and what it runs on, destroyed in this order: thread, server, loop.
  struct Place {
    std::unique_ptr<Loop> loop;
    std::unique_ptr<Server> server;
    std::mutex mutex;
    bool over = false;       // no thread runs the loop any more; guarded by `mutex`
    bool has_ended = false;  // the server has; the loop runs on while an older process needs it
    std::thread thread;

    void run() {
      loop->run();
      const std::scoped_lock lock{mutex};
      loop->turn();  // for what was posted after the last one
      over = true;
      if (const auto& newer = server->impl_->relays.newer) newer->close_receiving();
    }

    /// The server is done. What is passed on to and from an older process goes through here, until
    /// that is done as well.
    void end() {
      has_ended = true;
      if (!server->impl_->relays.older) loop->stop();
    }

    void forget_older() {
      server->impl_->relays.older.reset();
      if (has_ended) loop->stop();
    }

    /// Runs `job` on the thread, or here if there is none, and waits for it.
    template <class Job>
    auto ask(Job job) {
      std::packaged_task<decltype(job())()> task{std::move(job)};
      auto answer = task.get_future();
      {
        const std::scoped_lock lock{mutex};
        if (thread.joinable() && !over) {
          loop->post(std::move(task));
        } else {
          task();
        }
      }
      return answer.get();
    }
  };

  Impl(unsigned wanted, Tls with, ServerConfig settings, Prepare setup, MakeBackend backends)
      : count(wanted_count(wanted)),
        tls(std::move(with)),
        config(std::move(settings)),
        prepare(std::move(setup)),
        make_backend(std::move(backends)) {}

  [[nodiscard]] Result<> make_places();
  [[nodiscard]] Result<> make_place(unsigned number);
  [[nodiscard]] Result<std::vector<Address>> adopt(io::Inheritance& from);
  void link_to_older();
  void begin_handover();
  void give_way(const io::Relays& newer);
  void pass_on(std::size_t worker, bool from_older, std::vector<io::Parcel> parcels,
               std::function<void()> done);
  [[nodiscard]] Result<io::Estate> estate() const;

  unsigned count;
  Tls tls;
  ServerConfig config;
  Prepare prepare;
  MakeBackend make_backend;
  std::vector<std::unique_ptr<Place>> places;  // empty until listen()
  std::vector<Address> addresses;
  bool started = false;
  std::filesystem::path taken_from;            // empty: the sockets are our own
  std::optional<io::Inheritance> inheritance;  // until start()
  std::function<void()> on_taken;
  std::atomic<bool> is_taken = false;
  std::unique_ptr<io::HandoverThread> handover;  // goes before the places that it posts to
};

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

Result<std::vector<Address>> Workers::take_over(const std::filesystem::path& path) {
  if (impl_->started || !impl_->places.empty()) {
    return std::unexpected{
        Error{UsageError::closed, "Workers::take_over() after listen() or start()"}};
  }
  Result<io::Inheritance> from = io::inherit(path);
  if (!from) return std::unexpected{from.error()};
  impl_->count = static_cast<unsigned>(from->sockets.size());
  if (impl_->config.quic.secret.empty()) impl_->config.quic.secret = from->secret;
  if (const Result<> made = impl_->make_places(); !made) return std::unexpected{made.error()};
  Result<std::vector<Address>> adopted = impl_->adopt(*from);
  if (!adopted) {
    impl_->places.clear();
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
      Result<Address> own = places[worker]->server->impl_->adopt(socket.release());
      if (!own) return std::unexpected{own.error()};
      if (worker == 0) adopted.push_back(*own);
    }
  }
  return adopted;
}

Result<> Workers::offer(const std::filesystem::path& path, std::function<void()> taken) {
  if (!impl_->started || impl_->is_taken) {
    return std::unexpected{
        Error{UsageError::closed, "Workers::offer() before start(), or after they were taken"}};
  }
  if (path != impl_->taken_from && io::is_offered(path)) {
    return std::unexpected{Error{Error::Domain::system, static_cast<std::uint64_t>(EADDRINUSE),
                                 "another process offers its sockets at " + path.string()}};
  }
  Result<io::Estate> estate = impl_->estate();
  if (!estate) return std::unexpected{estate.error()};
  Result<io::HandoverListener> listener = io::HandoverListener::open(path);
  if (!listener) return std::unexpected{listener.error()};
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
        return std::unexpected{Error{UsageError::invalid_argument,
                                     "Workers::offer(): the backend has no sockets to hand over"}};
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
                 std::function<void()> done) {
            pass_on(worker, from_older, std::move(parcels), std::move(done));
          },
      .on_older_gone =
          [this](std::size_t worker) {
            Place& place = *places[worker];
            place.loop->post([&place] { place.forget_older(); });
          },
  });
}

void Workers::Impl::pass_on(std::size_t worker, bool from_older, std::vector<io::Parcel> parcels,
                            std::function<void()> done) {
  Place& place = *places[worker];
  const std::scoped_lock lock{place.mutex};
  if (place.over) {
    // What is for new clients has only to go back.
    const auto& newer = place.server->impl_->relays.newer;
    for (const io::Parcel& parcel : parcels) {
      if (newer && has_long_header(parcel.datagram.payload)) (void)newer->send(parcel.datagram);
    }
    done();
    return;
  }
  place.loop->post([&place, from_older, parcels = std::move(parcels), done = std::move(done)] {
    for (const io::Parcel& parcel : parcels) {
      place.server->impl_->handle_relayed(parcel.datagram, from_older);
    }
    done();
  });
}

void Workers::Impl::give_way(const io::Relays& newer) {
  is_taken = true;
  // Nobody is told before the last one has stopped: until then new clients may still come here.
  const auto left = std::make_shared<std::atomic<std::size_t>>(places.size());
  for (std::size_t worker = 0; const auto& each : places) {
    Place& place = *each;
    auto stop = [this, &place, left, relay = newer[worker++]] {
      auto* const sockets = dynamic_cast<io::SharedSockets*>(&place.loop->backend());
      for (const Address& address : addresses) sockets->stop_receiving(address);
      place.server->impl_->relays.newer = relay;
      if (left->fetch_sub(1) == 1 && on_taken) on_taken();
    };
    std::unique_lock lock{place.mutex};
    if (place.over) {
      lock.unlock();
      stop();
    } else {
      place.loop->post(std::move(stop));
    }
  }
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

void Workers::Impl::link_to_older() {
  io::Relays older;
  for (unsigned worker = 0; worker < count; ++worker) {
    older.push_back(std::make_shared<io::Relay>(inheritance->relays[worker].release()));
    places[worker]->server->impl_->relays.older = older.back();
  }
  begin_handover();
  handover->watch_older(older);
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
