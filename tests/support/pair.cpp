// SPDX-License-Identifier: MIT
/// The pair's virtual time: deliver, time out, serve, transmit, then jump to what comes next.
#include "support/pair.hpp"

#include <algorithm>
#include <utility>

#include <catch2/catch_test_macros.hpp>

namespace quoin::test {
namespace {

constexpr std::size_t max_segments = 10;

quic::RandomSource random_source(std::uint64_t seed) {
  return [generator = std::mt19937_64{seed}](std::span<std::byte> out) mutable {
    std::ranges::generate(out, [&] { return static_cast<std::byte>(generator()); });
  };
}

quic::Acceptor acceptor(const quic::StreamsConfig& config) {
  return [config](quic::Connection& connection) {
    return std::make_unique<quic::Streams>(connection, config);
  };
}

/// What the pair promises: nothing is fragmented, marks arrive.
constexpr Capabilities capabilities{.may_fragment = false,
                                    .max_send_segments = max_segments,
                                    .receive_offload = false,
                                    .ecn = true};

}  // namespace

quic::Config test_config() {
  quic::Config config;
  config.alpn = {"test"};
  return config;
}

std::string pattern(std::size_t size, unsigned seed) {
  std::string text(size, '\0');
  std::minstd_rand generator{seed + 1};
  std::ranges::generate(text, [&] { return static_cast<char>(generator() >> 8U); });
  return text;
}

bool Side::is_connected() const { return count(quic::StreamEvent::Type::connected) != 0; }

std::size_t Side::count(quic::StreamEvent::Type type) const {
  return static_cast<std::size_t>(std::ranges::count(events, type, &quic::StreamEvent::type));
}

quic::Connection& Side::live() {
  REQUIRE(connection.has_value());
  quic::Connection* const found = endpoint->find(*connection);
  REQUIRE(found != nullptr);
  return *found;
}

quic::Streams& Side::streams() { return dynamic_cast<quic::Streams&>(live().application()); }

Pair::Pair(PairOptions options)
    : options_(std::move(options)),
      seed_message_(Catch::MessageBuilder{Catch::StringRef{"INFO"}, CATCH_INTERNAL_LINEINFO,
                                          Catch::ResultWas::Info}
                    << "seed of the pair: " << options_.seed),
      random_(options_.seed),
      buffer_(65536) {
  if (options_.server.secret.empty()) options_.server.secret = std::string(32, 's');
  client.address = Address::parse("192.0.2.2:50000").value();
  server.address = Address::parse("192.0.2.1:4433").value();
  server_tls_ = Tls::self_signed().value();
  make_server();
  auto client_tls = Tls::client_from_pem(server_tls_->certificate_pem()).value();
  client.endpoint =
      quic::Endpoint::create(options_.client, std::move(client_tls), random_source(options_.seed))
          .value();
  client.endpoint->set_capabilities(capabilities);
}

void Pair::make_server() {
  server.endpoint =
      quic::Endpoint::create(options_.server, *server_tls_,
                             random_source(options_.seed ^ random_()), acceptor(options_.streams))
          .value();
  server.endpoint->set_capabilities(capabilities);
}

void Pair::restart_server() {
  make_server();
  server.connection.reset();
}

void Pair::restart_server(const quic::Config& settings) {
  options_.server = settings;
  restart_server();
}

quic::ConnectionKey Pair::connect(std::string_view server_name,
                                  const quic::ConnectOptions& options) {
  client.events.clear();
  server.events.clear();
  const Path path{.local = client.address, .remote = server.address};
  client.connection =
      client.endpoint->connect(path, server_name, acceptor(options_.streams), now_, options)
          .value();
  return *client.connection;
}

void Pair::establish(std::string_view server_name, const quic::ConnectOptions& options) {
  connect(server_name, options);
  REQUIRE(run_until([&] { return client.is_connected() && server.is_connected(); },
                    std::chrono::seconds{10}));
}

bool Pair::run_until(const std::function<bool()>& done, Duration limit) {
  const Time end = now_ + limit;
  while (!done()) {
    if (!step(end)) return done();
  }
  return true;
}

void Pair::run_for(Duration span) {
  const Time end = now_ + span;
  while (step(end)) {
  }
  now_ = end;
}

bool Pair::step(Time limit) {
  deliver();
  for (Side* const side : {&client, &server}) {
    const auto due = side->endpoint->poll_timeout();
    if (due && *due <= now_) side->endpoint->handle_timeout(now_);
    serve(*side);
  }
  transmit(client, server);
  transmit(server, client);
  std::optional<Time> next;
  const auto consider = [&](std::optional<Time> time) {
    if (time && (!next || *time < *next)) next = time;
  };
  consider(client.endpoint->poll_timeout());
  consider(server.endpoint->poll_timeout());
  if (!in_flight_.empty()) consider(in_flight_.begin()->first);
  if (!next || *next > limit) return false;
  now_ = std::max(now_, *next);
  return true;
}

void Pair::deliver() {
  while (!in_flight_.empty() && in_flight_.begin()->first <= now_) {
    const auto node = in_flight_.extract(in_flight_.begin());
    auto& [to, packet] = node.mapped();
    to->endpoint->handle_datagram(
        {.path = packet.path, .payload = packet.payload, .segment_size = 0, .ecn = packet.ecn},
        now_);
  }
}

void Pair::serve(Side& side) {
  while (const auto id = side.endpoint->poll_ready()) {
    side.connection = *id;
    quic::Connection* const connection = side.endpoint->find(*id);
    REQUIRE(connection != nullptr);
    auto& streams = dynamic_cast<quic::Streams&>(connection->application());
    while (auto event = streams.poll_event()) note(side, *connection, std::move(*event));
  }
}

void Pair::note(Side& side, quic::Connection& connection, quic::StreamEvent event) {
  if (side.on_event) side.on_event(connection, event);
  switch (event.type) {
    case quic::StreamEvent::Type::data: {
      if (side.stalled.contains(event.stream)) return;
      auto& streams = dynamic_cast<quic::Streams&>(connection.application());
      for (;;) {
        const quic::StreamChunk chunk = streams.read(event.stream);
        if (chunk.last) side.finished.insert(event.stream);
        if (chunk.data.empty() && !chunk.last) return;
        side.received[event.stream].append(as_text(chunk.data));
        const bool last = chunk.last;
        streams.consume(event.stream, chunk.data.size());
        if (last) return;
      }
    }
    case quic::StreamEvent::Type::writable:
      return;
    case quic::StreamEvent::Type::datagram:
      side.datagrams.emplace_back(as_text(event.datagram));
      break;
    case quic::StreamEvent::Type::disconnected:
      side.closed = event.error;
      break;
    default:
      break;
  }
  side.events.push_back(std::move(event));
}

void Pair::transmit(Side& from, Side& to) {
  while (const auto train = from.endpoint->poll_transmit(buffer_, max_segments, now_)) {
    Bytes rest = train->payload;
    const std::size_t segment = train->segment_size == 0 ? rest.size() : train->segment_size;
    while (!rest.empty()) {
      const Bytes payload = rest.first(std::min(segment, rest.size()));
      rest = rest.subspan(payload.size());
      ++from.packets_sent;
      from.bytes_sent += payload.size();
      Packet packet{.path = {.local = train->path.remote, .remote = train->path.local},
                    .payload = {payload.begin(), payload.end()},
                    .ecn = train->ecn};
      const bool lost = std::uniform_real_distribution{}(random_) < options_.loss;
      if (lost || (filter && !filter(from, packet))) continue;
      in_flight_.emplace(now_ + options_.delay, std::pair{&to, std::move(packet)});
    }
  }
}

void Pair::inject(Side& to, const Address& from, Bytes payload) {
  to.endpoint->handle_datagram({.path = {.local = to.address, .remote = from}, .payload = payload},
                               now_);
}

void Upload::pump(quic::Streams& streams) {
  if (done_) return;
  const Bytes rest = as_bytes(text_).subspan(offset_);
  const std::size_t taken = streams.write(id_, rest, true);
  offset_ += taken;
  // An end without bytes is taken if the stream can be written at all.
  done_ = taken == rest.size() && !streams.is_writable(id_);
}

}  // namespace quoin::test
