// SPDX-License-Identifier: MIT
/// A backend and a driver that do what a test says, for tests of the loop. They know no protocol.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

#include "loop/driver.hpp"
#include "support/shorthand.hpp"

namespace quoin::test {

/// Time stands still unless a test moves it; nothing is sent but into a list.
class FakeBackend final : public io::Backend {
 public:
  struct Sent {
    Path path;
    std::string payload;
    std::size_t segment_size;
    Ecn ecn;
  };

  Time time{std::chrono::seconds{1}};
  Duration tick{};  // added whenever somebody asks for the time
  std::deque<std::vector<Datagram>> arriving;
  std::vector<io::PathError> failing;
  std::vector<Sent> sent;
  std::size_t room = std::numeric_limits<std::size_t>::max();  // datagrams that can be sent
  std::vector<Address> opened;
  std::vector<std::optional<Time>> waits;
  std::move_only_function<void()> on_wait = [] {};
  std::atomic<int> wakes = 0;
  int receives = 0;

  [[nodiscard]] Time now() const noexcept override {
    auto& self = const_cast<FakeBackend&>(*this);
    return self.time += tick;
  }

  void fill_random(std::span<std::byte> out) noexcept override {
    std::ranges::fill(out, std::byte{7});
  }

  [[nodiscard]] Result<Address> open(const Address& local) override {
    if (std::ranges::find(opened, local) != opened.end()) {
      return std::unexpected(Error{Error::Domain::system, 98, local.to_string()});
    }
    return opened.emplace_back(local);
  }

  void close(const Address& local) noexcept override { std::erase(opened, local); }

  [[nodiscard]] io::Capabilities capabilities() const noexcept override { return {}; }

  void wait(std::optional<Time> deadline) override {
    waits.push_back(deadline);
    time = std::max(time, deadline.value_or(time));
    on_wait();
  }

  [[nodiscard]] std::span<const Datagram> receive() override {
    ++receives;
    if (arriving.empty()) return {};
    batch_ = std::move(arriving.front());
    arriving.pop_front();
    return batch_;
  }

  [[nodiscard]] std::size_t send(std::span<const Datagram> batch) override {
    const std::size_t taken = std::min(room, batch.size());
    for (const Datagram& datagram : batch.first(taken)) {
      sent.push_back({.path = datagram.path,
                      .payload = std::string{as_text(datagram.payload)},
                      .segment_size = datagram.segment_size,
                      .ecn = datagram.ecn});
    }
    room -= taken;
    return taken;
  }

  [[nodiscard]] std::span<const io::PathError> errors() override {
    reported_ = std::exchange(failing, {});
    return reported_;
  }

  void wake() noexcept override { ++wakes; }

  [[nodiscard]] std::string describe() const override { return "fake"; }

 private:
  std::vector<Datagram> batch_;
  std::vector<io::PathError> reported_;
};

/// Notes what the loop tells it, and sends what a test queues.
class FakeDriver final : public Driver {
 public:
  struct Received {
    Path path;
    std::string payload;
    Ecn ecn;
    Time time;

    friend bool operator==(const Received&, const Received&) = default;
  };

  struct Outgoing {
    Path path;
    std::string payload;
    std::size_t segment_size = 0;
    Ecn ecn = Ecn::not_ect;
  };

  std::vector<Received> received;
  std::vector<io::PathError> errors;
  std::vector<Time> timeouts;
  int dispatched = 0;
  int polled = 0;
  mutable int asked = 0;  // when it is due
  std::deque<Outgoing> outgoing;
  std::optional<Time> due;
  bool keeps_due = false;  // as an engine that waits for room to send
  std::function<void(const Datagram&)> on_datagram = [](const Datagram&) {};
  std::function<void()> on_dispatch = [] {};

  void handle_datagram(const Datagram& datagram, Time now) override {
    received.push_back({.path = datagram.path,
                        .payload = std::string{as_text(datagram.payload)},
                        .ecn = datagram.ecn,
                        .time = now});
    on_datagram(datagram);
  }

  void handle_path_error(const io::PathError& error, Time /*now*/) override {
    errors.push_back(error);
  }

  void handle_timeout(Time now) override {
    timeouts.push_back(now);
    due = keeps_due ? due : std::nullopt;
  }

  void dispatch(Time /*now*/) override {
    ++dispatched;
    on_dispatch();
  }

  [[nodiscard]] std::optional<Datagram> poll_transmit(std::span<std::byte> buffer,
                                                      Time /*now*/) override {
    ++polled;
    if (outgoing.empty()) return std::nullopt;
    const Outgoing next = std::move(outgoing.front());
    outgoing.pop_front();
    const Bytes payload = as_bytes(next.payload);
    std::ranges::copy(payload, buffer.begin());
    return Datagram{.path = next.path,
                    .payload = buffer.first(payload.size()),
                    .segment_size = next.segment_size,
                    .ecn = next.ecn};
  }

  [[nodiscard]] std::optional<Time> poll_timeout() const noexcept override {
    ++asked;
    return due;
  }
};

}  // namespace quoin::test
