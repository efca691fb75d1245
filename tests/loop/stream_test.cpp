// SPDX-License-Identifier: MIT
/// A Stream on a host that is neither plain QUIC nor on a connection at all.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/quic/stream.hpp>
#include <quoin/stream.hpp>
#include <quoin/streaming.hpp>

#include "loop/stream_host.hpp"

using quoin::Bytes;
using quoin::Connection;
using quoin::Error;
using quoin::Filled;
using quoin::Reader;
using quoin::Result;
using quoin::SharedBytes;
using quoin::Stream;
using quoin::StreamHost;
using quoin::StreamOwner;
using quoin::UsageError;
using quoin::Writer;
using quoin::quic::StreamId;
using quoin::quic::StreamPriority;

namespace {

constexpr StreamId number{1234};
constexpr std::size_t space = 3;  // what is taken of a write

/// In front of a StreamHost, so that it lies elsewhere than the object that it is a part of.
struct Padding {
  virtual ~Padding() = default;
};

/// Writes down what it is asked for and keeps the handlers. The log is somebody else's, to be read
/// when the host is gone.
struct FakeHost final : Padding, StreamHost {
  explicit FakeHost(std::string& calls) : log(calls) {}

  [[nodiscard]] StreamId stream_id() const noexcept override { return number; }

  void set_reader(Reader handler) override { reader = std::move(handler); }

  void set_on_reset(std::move_only_function<void(std::uint64_t)> handler) override {
    on_reset = std::move(handler);
  }

  [[nodiscard]] std::size_t write(Bytes data, bool last) override {
    log += "write(" + std::string{quoin::as_text(data)} + (last ? ",last) " : ") ");
    return std::min(data.size(), space);
  }

  [[nodiscard]] bool write_shared(SharedBytes data, bool last) override {
    log += "write_shared(" + std::string{quoin::as_text(data.view())} + (last ? ",last) " : ") ");
    return true;
  }

  [[nodiscard]] std::size_t room() const noexcept override { return space; }

  void set_on_writable(std::move_only_function<void()> handler) override {
    on_writable = std::move(handler);
  }

  void set_writer(Writer handler) override { writer = std::move(handler); }

  void set_on_stop_sending(std::move_only_function<void(std::uint64_t)> handler) override {
    on_stop_sending = std::move(handler);
  }

  [[nodiscard]] Result<> prioritize(StreamPriority priority) override {
    if (priority.urgency > 7) return std::unexpected(Error{UsageError::invalid_argument});
    log += "prioritize(" + std::to_string(priority.urgency) + ") ";
    return {};
  }

  void resume() override { log += "resume() "; }

  void reset(std::uint64_t code) override { log += "reset(" + std::to_string(code) + ") "; }

  void stop_sending(std::uint64_t code) override {
    log += "stop_sending(" + std::to_string(code) + ") ";
  }

  void set_on_closed(std::move_only_function<void(const Error&)> handler) override {
    on_closed = std::move(handler);
  }

  std::string& log;
  Reader reader;
  Writer writer;
  std::move_only_function<void(std::uint64_t)> on_reset;
  std::move_only_function<void(std::uint64_t)> on_stop_sending;
  std::move_only_function<void()> on_writable;
  std::move_only_function<void(const Error&)> on_closed;
  StreamOwner owner{this};
};

TEST_CASE("a Stream passes commands on to its host, whatever that is, and returns its answers") {
  std::string log;
  const FakeHost host{log};
  const Stream stream = host.owner.stream();
  REQUIRE(stream);
  CHECK(stream.id() == number);
  CHECK(stream.room() == space);
  CHECK(stream.write(quoin::as_bytes("four"), true) == space);
  CHECK(stream.write(quoin::as_bytes("2b")) == 2);
  CHECK(stream.write_shared(SharedBytes{std::string{"shared"}}, true));
  CHECK(stream.prioritize({.urgency = 5}));
  CHECK(stream.prioritize({.urgency = 8}).error() == UsageError::invalid_argument);
  stream.resume();
  stream.reset(7);
  stream.stop_sending(8);
  CHECK(log ==
        "write(four,last) write(2b) write_shared(shared,last) prioritize(5) resume() reset(7) "
        "stop_sending(8) ");
}

TEST_CASE("a Stream gives each handler to its host") {
  std::string log;
  std::string seen;
  FakeHost host{log};
  const Stream stream = host.owner.stream();
  stream.on_data([&](Bytes, bool) {
    seen += "data ";
    return std::size_t{1};
  });
  stream.source([&](std::span<std::byte>) {
    seen += "source ";
    return Filled{.last = true};
  });
  stream.on_reset([&](std::uint64_t code) { seen += "reset " + std::to_string(code) + ' '; });
  stream.on_stop_sending([&](std::uint64_t code) { seen += "stop " + std::to_string(code) + ' '; });
  stream.on_writable([&] { seen += "writable "; });
  stream.on_closed([&](const Error& reason) { seen += reason ? "failed" : "closed"; });
  CHECK(seen.empty());

  CHECK(host.reader({}, true) == 1);
  CHECK(host.writer({}).last);
  host.on_reset(3);
  host.on_stop_sending(4);
  host.on_writable();
  host.on_closed({});
  CHECK(seen == "data source reset 3 stop 4 writable closed");
}

TEST_CASE("a Stream whose host is not of plain QUIC has no Connection") {
  std::string log;
  const FakeHost host{log};
  CHECK(host.owner.stream().connection() == Connection{});
}

TEST_CASE("a Stream is stale, and asks for nothing, when its host is gone") {
  std::string log;
  std::optional<FakeHost> host{std::in_place, log};
  const Stream stream = host->owner.stream();
  host.reset();
  CHECK_FALSE(stream);
  CHECK(stream != Stream{});
  CHECK(stream.id() == quoin::quic::no_stream);
  CHECK(stream.connection() == Connection{});
  CHECK(stream.room() == 0);
  CHECK(stream.write(quoin::as_bytes("lost"), true) == 0);
  CHECK_FALSE(stream.write_shared(SharedBytes{std::string{"lost"}}));
  CHECK(stream.prioritize({}).error() == UsageError::stale_handle);
  stream.on_data({});
  stream.source({});
  stream.on_reset({});
  stream.on_stop_sending({});
  stream.on_writable({});
  stream.on_closed({});
  stream.resume();
  stream.reset(7);
  stream.stop_sending(8);
  CHECK(log.empty());
}

}  // namespace
