// SPDX-License-Identifier: MIT
/// One thread and one poll() for a whole hot restart, so that the workers' loops need no changes.
#include "io/takeover/handover_thread.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <poll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>

#include "io/takeover/handover.hpp"
#include "io/takeover/relay.hpp"
#include "io/udp/descriptor.hpp"

namespace quoin::inline v0::io {

namespace {

constexpr std::size_t max_parcels = 64;  // on the way to a worker at a time

void ring(const Descriptor& bell) noexcept {
  const std::uint64_t one = 1;
  (void)!::write(bell.get(), &one, sizeof one);
}

}  // namespace

HandoverThread::HandoverThread(Events events)
    : events_(std::move(events)),
      wake_(std::make_shared<Descriptor>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))),
      room_(Relay::max_message),
      thread_([this] { run(); }) {}

HandoverThread::~HandoverThread() {
  finish([](Bytes) { return false; });
}

void HandoverThread::wake() const noexcept { ring(*wake_); }

void HandoverThread::add(const Relays& relays, bool is_older) {
  for (std::size_t worker = 0; worker < relays.size(); ++worker) {
    sources_.push_back({.relay = relays[worker],
                        .worker = worker,
                        .is_older = is_older,
                        .is_busy = std::make_shared<std::atomic<bool>>(false)});
  }
}

void HandoverThread::watch_older(const Relays& older) {
  const std::scoped_lock lock{mutex_};
  add(older, true);
  wake();
}

void HandoverThread::offer(HandoverListener listener, Estate estate) {
  const std::scoped_lock lock{mutex_};
  listener_.reset();
  listener_.emplace(std::move(listener));
  estate_ = std::move(estate);
  wake();
}

void HandoverThread::finish(const std::function<bool(Bytes packet)>& is_theirs) {
  {
    const std::scoped_lock lock{mutex_};
    is_stopping_ = true;
    wake();
  }
  if (!thread_.joinable()) return;
  thread_.join();
  for (const Source& source : sources_) {
    if (source.is_older) continue;
    // First closed, then emptied: nothing can be lost in between.
    source.relay->close_receiving();
    while (const std::optional<Datagram> datagram = source.relay->receive(room_)) {
      if (is_theirs(datagram->payload)) (void)source.relay->send(*datagram);
    }
  }
  sources_.clear();
  listener_.reset();
  heir_.reset();
}

void HandoverThread::run() {
  std::vector<pollfd> waiting;
  const auto wait_for = [&waiting](int fd) {
    waiting.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  };
  while (true) {
    waiting.clear();
    wait_for(wake_->get());
    {
      const std::scoped_lock lock{mutex_};
      if (is_stopping_) return;
      if (heir_) {
        wait_for(heir_->connection.get());
      } else if (listener_) {
        wait_for(listener_->descriptor());
      }
      for (const Source& source : sources_) {
        if (!source.is_busy->load()) wait_for(source.relay->descriptor());
      }
    }
    (void)::poll(waiting.data(), waiting.size(), -1);
    std::uint64_t count = 0;
    (void)!::read(wake_->get(), &count, sizeof count);
    look_around();
  }
}

/// Nothing here blocks, so it does not matter what was ready.
void HandoverThread::look_around() {
  const std::scoped_lock lock{mutex_};
  if (is_stopping_) return;
  if (heir_) {
    serve_heir();
  } else if (listener_) {
    greet();
  }
  // NOLINTNEXTLINE(modernize-loop-convert): serve_heir() may have added to them
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (!sources_[i].is_busy->load()) read(sources_[i]);
  }
  std::erase_if(sources_, [](const Source& source) { return source.relay->is_over(); });
}

/// Gives the sockets to a process that asks.
void HandoverThread::greet() {
  Descriptor connection = listener_->accept();
  if (connection.get() < 0) return;
  Heir heir{.connection = std::move(connection), .relays = {}};
  std::vector<Descriptor> theirs;
  estate_.relays.clear();
  for (std::size_t worker = 0; worker < estate_.sockets.size(); ++worker) {
    const Result<std::pair<int, int>> ends = Relay::make_pair();
    if (!ends) return;  // no descriptors left: they must ask again
    heir.relays.push_back(std::make_shared<Relay>(ends->first));
    theirs.emplace_back(ends->second);
    estate_.relays.push_back(ends->second);
  }
  if (give(heir.connection.get(), estate_)) {
    add(heir.relays, false);
    heir_.emplace(std::move(heir));
  }
}

void HandoverThread::serve_heir() {
  switch (read_receipt(heir_->connection.get())) {
    case Receipt::pending:
      return;
    case Receipt::gone:  // it failed to start: nothing changes
      std::erase_if(sources_, [this](const Source& source) {
        return std::ranges::find(heir_->relays, source.relay) != heir_->relays.end();
      });
      break;
    case Receipt::confirmed:
      listener_.reset();
      events_.on_taken(heir_->relays);
      break;
  }
  heir_.reset();
}

void HandoverThread::read(Source& source) {
  std::vector<Parcel> parcels;
  while (parcels.size() < max_parcels) {
    const std::optional<Datagram> datagram = source.relay->receive(room_);
    if (!datagram) break;
    Parcel parcel{.datagram = *datagram,
                  .bytes = {datagram->payload.begin(), datagram->payload.end()}};
    parcel.datagram.payload = parcel.bytes;
    parcels.push_back(std::move(parcel));
  }
  if (!parcels.empty()) {
    source.is_busy->store(true);
    events_.on_parcels(source.worker, source.is_older, std::move(parcels),
                       [busy = source.is_busy, bell = wake_] {
                         busy->store(false);
                         ring(*bell);
                       });
  }
  if (source.relay->is_over() && source.is_older) events_.on_older_gone(source.worker);
}

}  // namespace quoin::inline v0::io
