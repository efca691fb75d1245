// SPDX-License-Identifier: MIT
/// Routing datagrams to connections, and taking turns when they send. R3 and W5.

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "base/access.hpp"
#include "quic/endpoint/endpoint_impl.hpp"

namespace quoin::inline v0::quic {
namespace {

/// The smallest possible packet of ours, or one to answer (integration rule 26).
constexpr std::size_t min_packet = 21;

std::array<std::uint64_t, 2> random_key(RandomSource& random) {
  std::array<std::uint64_t, 2> key{};
  random(std::as_writable_bytes(std::span{key}));
  return key;
}

}  // namespace

bool RateLimit::take(Time now) noexcept {
  const double passed = std::chrono::duration<double>(now - last_).count();
  last_ = now;
  tokens_ = std::min(2 * per_second_, tokens_ + passed * per_second_);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

EndpointStats& EndpointStats::operator+=(const EndpointStats& other) noexcept {
  datagrams_received += other.datagrams_received;
  datagrams_dropped += other.datagrams_dropped;
  connections_accepted += other.connections_accepted;
  connections_refused += other.connections_refused;
  handshakes_completed += other.handshakes_completed;
  version_negotiations_sent += other.version_negotiations_sent;
  retries_sent += other.retries_sent;
  tokens_refused += other.tokens_refused;
  cid_repeats += other.cid_repeats;
  tls_requests_made += other.tls_requests_made;
  tls_requests_refused += other.tls_requests_refused;
  stateless_resets_sent += other.stateless_resets_sent;
  stateless_suppressed += other.stateless_suppressed;
  connections += other.connections;
  handshakes += other.handshakes;
  tls_requests += other.tls_requests;
  return *this;
}

Endpoint::Impl::Impl(const Config& settings, Tls identity, RandomSource source, Acceptor accept)
    : Shared(settings, std::move(identity), std::move(source)),
      acceptor(std::move(accept)),
      cids(random_key(random)),
      reset_tokens(cids.key()),
      stateless_limit(settings.stateless_per_second) {
  secret = settings.secret;
  if (secret.empty()) {
    secret.resize(32);
    random(std::as_writable_bytes(std::span{secret}));
  }
  own_reset_tokens = ResetTokens{secret};
  token_keys = TokenKeys{config.token_secrets.empty() ? std::vector{secret} : config.token_secrets};
  if (acceptor) {
    tls::share_ticket_keys(tls, secret);
  }
  for (const Version version : config.versions) {
    versions.push_back(version == Version::v2 ? NGTCP2_PROTO_VER_V2 : NGTCP2_PROTO_VER_V1);
  }
  for (const std::string& protocol : config.alpn) {
    alpn_wire.push_back(static_cast<std::uint8_t>(protocol.size()));
    alpn_wire.insert(alpn_wire.end(), protocol.begin(), protocol.end());
  }
}

Endpoint::Impl::~Impl() = default;

void Endpoint::Impl::add_cid(const ngtcp2_cid& cid, std::uint32_t slot) {
  cids.insert(cid, slot);
  slots[slot].cids.push_back(cid);
}

bool Endpoint::Impl::knows_cid(const ngtcp2_cid& cid) const { return cids.contains(cid); }

void Endpoint::Impl::remove_cid(const ngtcp2_cid& cid, std::uint32_t slot) {
  cids.erase(cid, slot);
  std::erase_if(slots[slot].cids,
                [&](const ngtcp2_cid& known) { return ngtcp2_cid_eq(&known, &cid) != 0; });
}

void Endpoint::Impl::add_reset_token(const ngtcp2_stateless_reset_token& token,
                                     std::uint32_t slot) {
  remove_reset_token(token,
                     slot);  // it is reported again when its connection ID moves to another path
  reset_tokens.insert(token_as_cid(token), slot);
  slots[slot].reset_tokens.push_back(token);
}

void Endpoint::Impl::remove_reset_token(const ngtcp2_stateless_reset_token& token,
                                        std::uint32_t slot) {
  reset_tokens.erase(token_as_cid(token), slot);
  std::erase_if(slots[slot].reset_tokens, [&](const ngtcp2_stateless_reset_token& known) {
    return std::ranges::equal(known.data, token.data);
  });
}

void Endpoint::Impl::mark_ready(std::uint32_t slot) {
  Connection::Impl& connection = *slots[slot].connection;
  if (!connection.ready) {
    connection.ready = true;
    ready.push_back(slot);
  }
}

void Endpoint::Impl::mark_writable(std::uint32_t slot) {
  Connection::Impl& connection = *slots[slot].connection;
  if (!connection.writable) {
    connection.writable = true;
    writable.push_back(slot);
  }
}

void Endpoint::Impl::handle_one(const Datagram& train, PathStorage& path, Bytes packet, Time now) {
  ++counters.datagrams_received;
  if (packet.size() < min_packet) {
    ++counters.datagrams_dropped;
    return;
  }
  ngtcp2_version_cid decoded{};
  const int result =
      ngtcp2_pkt_decode_version_cid(&decoded, to_octets(packet), packet.size(), cid_size);
  if (result != 0 && result != NGTCP2_ERR_VERSION_NEGOTIATION) {
    ++counters.datagrams_dropped;
    return;
  }
  const auto slot = cids.find(decoded.dcid, decoded.dcidlen);
  if (!slot) {
    if (acceptor) {
      if (result == NGTCP2_ERR_VERSION_NEGOTIATION) {
        send_version_negotiation(train.path, packet, decoded, now);
      } else {
        handle_stranger(train.path, train.ecn, packet, decoded, now);
      }
    } else if (const auto reset = find_reset(train.path, packet)) {
      deliver(*reset, train, path, packet, now);
    } else {
      ++counters.datagrams_dropped;
    }
    return;
  }
  deliver(*slot, train, path, packet, now);
}

void Endpoint::Impl::deliver(std::uint32_t slot, const Datagram& train, PathStorage& path,
                             Bytes packet, Time now) {
  if (!slots[slot].connection) {
    ++counters.datagrams_dropped;
    return;
  }
  Connection::Impl& connection = *slots[slot].connection;
  connection.handle_packet(path, train.ecn, packet, now);
  mark_writable(slot);
  if (connection.is_over()) {
    update_timer(connection);
  }
}

std::optional<std::uint32_t> Endpoint::Impl::find_reset(const Path& path, Bytes packet) {
  const bool short_header = (std::to_integer<unsigned>(packet[0]) & 0x80U) == 0;
  if (!short_header) return std::nullopt;
  const Bytes token = packet.last(NGTCP2_STATELESS_RESET_TOKENLEN);
  const auto slot =
      reset_tokens.find(reinterpret_cast<const std::uint8_t*>(token.data()), token.size());
  if (!slot) return std::nullopt;
  const Connection::Impl& connection = *slots[*slot].connection;
  const bool is_reset = connection.state == State::connected &&
                        connection.handle.path().remote == path.remote &&
                        connection.knows_reset_token(token);
  return is_reset ? slot : std::nullopt;
}

Result<Endpoint> Endpoint::create(const Config& config, Tls tls, RandomSource random,
                                  Acceptor acceptor) {
  if (auto valid = config.validate(); !valid) return std::unexpected(valid.error());
  if (!random) {
    return std::unexpected(
        Error{UsageError::invalid_argument, "the source of randomness is empty"});
  }
  if (tls.is_server() != static_cast<bool>(acceptor)) {
    return std::unexpected(Error{UsageError::invalid_argument,
                                 acceptor ? "a server needs a Tls with a certificate, "
                                            "made by Tls::server() or Tls::self_signed()"
                                          : "a client needs a Tls made by Tls::client()"});
  }
  return Endpoint{
      std::make_unique<Impl>(config, std::move(tls), std::move(random), std::move(acceptor))};
}

Endpoint::Endpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Endpoint::Endpoint(Endpoint&&) noexcept = default;
Endpoint& Endpoint::operator=(Endpoint&&) noexcept = default;
Endpoint::~Endpoint() = default;

void Endpoint::handle_datagram(const Datagram& datagram, Time now) {
  impl_->sweep();
  PathStorage path{datagram.path};
  Bytes rest = datagram.payload;
  const std::size_t segment = datagram.segment_size == 0 ? rest.size() : datagram.segment_size;
  do {
    const Bytes packet = rest.first(std::min(segment, rest.size()));
    impl_->handle_one(datagram, path, packet, now);
    rest = rest.subspan(packet.size());
  } while (!rest.empty());
}

bool Endpoint::owns(Bytes packet) const noexcept {
  ngtcp2_version_cid decoded{};
  return packet.size() >= min_packet &&
         ngtcp2_pkt_decode_version_cid(&decoded, to_octets(packet), packet.size(),
                                       impl_->cid_size) == 0 &&
         impl_->cids.find(decoded.dcid, decoded.dcidlen).has_value();
}

void Endpoint::handle_path_error(const PathError& error, Time now) {
  const bool too_large = error.error == Error{Error::Domain::system, EMSGSIZE};
  for (const Impl::Slot& slot : impl_->slots) {
    if (!slot.connection || !slot.connection->conn ||
        slot.connection->handle.path().remote != error.path.remote) {
      continue;
    }
    if (too_large) {
      // Only probing finds what the path carries, not a message that anyone can send (RFC 8899
      // §4.6.1).
      slot.connection->handle_too_large();
      continue;
    }
    slot.connection->handle_path_error(error.error, now);
    impl_->update_timer(*slot.connection);
  }
}

void Endpoint::handle_timeout(Time now) {
  impl_->sweep();
  while (!impl_->timers.empty() && impl_->timers.earliest() <= now) {
    const std::uint32_t slot = impl_->timers.earliest_slot();
    if (!impl_->slots[slot].connection) {
      impl_->forget(slot);
      continue;
    }
    Connection::Impl& connection = *impl_->slots[slot].connection;
    connection.handle_timeout(now);
    // Armed again after the connection has written (integration rule 2).
    impl_->timers.set(slot, Time::max());
    impl_->mark_writable(slot);
    if (connection.is_over()) {
      impl_->update_timer(connection);
    }
  }
}

std::optional<ConnectionKey> Endpoint::poll_ready() {
  if (impl_->ready.empty()) return std::nullopt;
  Connection::Impl& connection = *impl_->slots[impl_->ready.pop_front()].connection;
  connection.ready = false;
  return connection.id;
}

std::optional<Datagram> Endpoint::poll_transmit(std::span<std::byte> buffer,
                                                std::size_t max_segments, Time now) {
  if (!impl_->answers.empty()) {
    const Impl::Answer answer = std::move(impl_->answers.front());
    impl_->answers.pop_front();
    // Into the caller's memory like any other datagram: it may collect several before sending.
    const std::span<std::byte> payload =
        buffer.first(std::min(buffer.size(), answer.packet.size()));
    std::copy_n(answer.packet.begin(), payload.size(), payload.begin());
    return Datagram{.path = answer.path, .payload = payload};
  }
  while (!impl_->writable.empty()) {
    const std::uint32_t slot = impl_->writable.pop_front();
    Connection::Impl& connection = *impl_->slots[slot].connection;
    connection.writable = false;
    auto datagram = connection.poll_transmit(buffer, max_segments, now);
    if (datagram) {
      impl_->mark_writable(slot);
    }
    impl_->update_timer(connection);
    if (datagram) return datagram;
  }
  return std::nullopt;
}

std::optional<Time> Endpoint::poll_timeout() const noexcept {
  // Writing can bring news, such as the end of a connection, and what is over waits for the next
  // sweep: neither must wait for a datagram that may never arrive.
  if (!impl_->ready.empty() || !impl_->over.empty() || !impl_->tls_requests.unseen.empty()) {
    return Time{};
  }
  return impl_->timers.empty() ? std::nullopt : std::optional{impl_->timers.earliest()};
}

Result<ConnectionKey> Endpoint::connect(const Path& path, std::string_view server_name,
                                        Acceptor make_application, Time now,
                                        const ConnectOptions& options) {
  if (impl_->acceptor) {
    return std::unexpected(Error{UsageError::invalid_argument, "a server does not connect"});
  }
  if (!make_application || path.remote.is_none() || path.local.is_none() ||
      path.remote.port() == 0) {
    return std::unexpected(Error{UsageError::invalid_argument,
                                 "connect() needs an application and a whole path, not " +
                                     path.local.to_string() + " to " + path.remote.to_string()});
  }
  impl_->sweep();
  if (impl_->connection_count >= impl_->config.max_connections) {
    return std::unexpected(Error{UsageError::limit_reached, "quic::Config::max_connections"});
  }
  Connection::Impl& connection = impl_->add_connection(false);
  if (auto begun = connection.start_client(path, server_name, now, options); !begun) {
    impl_->remove_connection(connection.id.slot);
    return std::unexpected(begun.error());
  }
  connection.application = make_application(connection.handle);
  if (connection.early) {
    connection.app_started = true;
    impl_->mark_ready(connection.id.slot);
    connection.application->on_started(connection.handle);
  }
  impl_->mark_writable(connection.id.slot);
  return connection.id;
}

Connection* Endpoint::find(ConnectionKey id) noexcept {
  if (id.slot >= impl_->slots.size()) return nullptr;
  const Impl::Slot& slot = impl_->slots[id.slot];
  return slot.connection && slot.generation == id.generation ? &slot.connection->handle : nullptr;
}

void Endpoint::stop_accepting() noexcept { impl_->accepting = false; }

void Endpoint::set_capabilities(const Capabilities& capabilities) noexcept {
  impl_->capabilities = capabilities;
}

Result<> Endpoint::set_tls(Tls tls) {
  if (tls.is_server() != impl_->tls.is_server()) {
    return std::unexpected(
        Error{UsageError::invalid_argument, "this Tls is for the other role, client or server"});
  }
  impl_->tls = std::move(tls);
  if (impl_->acceptor) {
    // Earlier tickets stay valid; what they are bound to is in them.
    tls::share_ticket_keys(impl_->tls, impl_->secret);
  }
  return {};
}

Result<> Endpoint::set_token_secrets(std::vector<std::string> secrets, Time now) {
  if (const Result<> usable = check_token_secrets(secrets); !usable) return usable;
  const Config& config = impl_->config;
  impl_->token_keys.replace(std::move(secrets), now,
                            std::max(config.retry_token_lifetime, config.address_token_lifetime));
  return {};
}

EndpointStats Endpoint::stats() const noexcept {
  EndpointStats stats = impl_->counters;
  stats.handshakes_completed = impl_->handshakes_completed;
  stats.cid_repeats = impl_->cid_repeats;
  stats.tls_requests_made = impl_->tls_requests.made;
  stats.tls_requests_refused = impl_->tls_requests.refused;
  stats.connections = impl_->connection_count;
  stats.handshakes = impl_->handshakes;
  stats.tls_requests = impl_->tls_requests.waiting;
  return stats;
}

void Endpoint::for_each(const std::function<void(Connection&)>& visit) {
  for (const Impl::Slot& slot : impl_->slots) {
    if (slot.connection && slot.connection->conn) {
      visit(slot.connection->handle);
    }
  }
}

}  // namespace quoin::inline v0::quic
