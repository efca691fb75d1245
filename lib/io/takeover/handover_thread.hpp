// SPDX-License-Identifier: MIT
/// The thread of a hot restart: it waits for the next process, and reads what the processes relay
/// to each other. Not public.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>

#include "io/takeover/handover.hpp"
#include "io/takeover/relay.hpp"
#include "io/udp/descriptor.hpp"

namespace quoin::inline v0::io {

/// A datagram with its payload.
struct Parcel {
  Datagram datagram;
  std::vector<std::byte> bytes;
};

/// The relays to a neighbour, one for each worker.
using Relays = std::vector<std::shared_ptr<Relay>>;

/// The owner may call all members but the destructor and finish() at any time.
class HandoverThread {
 public:
  /// Called on the thread.
  struct Events {
    /// The next process has taken over; `newer` leads there.
    std::function<void(const Relays& newer)> on_taken;
    /// A neighbour relayed something to `worker`. Nothing more follows until `done` is called, by
    /// any thread, so that the backlog is bounded.
    std::function<void(std::size_t worker, bool from_older, std::vector<Parcel> parcels,
                       std::function<void()> done)>
        on_parcels;
    /// The previous process needs nothing more.
    std::function<void(std::size_t worker)> on_older_gone;
  };

  explicit HandoverThread(Events events);
  HandoverThread(const HandoverThread&) = delete;
  HandoverThread& operator=(const HandoverThread&) = delete;
  ~HandoverThread();

  /// Listens to the previous process.
  void watch_older(const Relays& older);
  /// Gives the sockets to the first process that asks and confirms.
  void offer(HandoverListener listener, Estate estate);

  /// Stops. Datagrams still under way from the next process are sent back to it where `is_theirs`.
  void finish(const std::function<bool(Bytes packet)>& is_theirs);

 private:
  struct Source {
    std::shared_ptr<Relay> relay;
    std::size_t worker;
    bool is_older;
    std::shared_ptr<std::atomic<bool>> is_busy;
  };

  /// The process that was given the sockets and has not confirmed yet.
  struct Heir {
    Descriptor connection;
    Relays relays;
  };

  void run();
  void add(const Relays& relays, bool is_older);
  void look_around();
  void serve_heir();
  void greet();
  void read(Source& source);
  void wake() const noexcept;

  Events events_;
  std::shared_ptr<Descriptor> wake_;
  std::vector<std::byte> room_;
  std::mutex mutex_;  // guards what follows
  std::vector<Source> sources_;
  std::optional<HandoverListener> listener_;
  Estate estate_;
  std::optional<Heir> heir_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace quoin::inline v0::io
