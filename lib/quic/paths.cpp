// SPDX-License-Identifier: MIT
/// Paths of a connection: moving to another one, the server's preferred address, and reporting the
/// outcome to the application. ngtcp2 does the validation.

#include <cstring>
#include <netinet/in.h>

#include "quic/connection_impl.hpp"

namespace quoin::inline v0::quic {
namespace {

template <class SocketAddressType>
std::optional<SocketAddressType> socket_address(const Address& address) {
  if (address.is_none()) return std::nullopt;
  const SocketAddress converted{address};
  SocketAddressType out{};
  std::memcpy(&out, converted.get(), sizeof out);
  return out;
}

/// The server's other address of the same family as the one in use.
std::optional<SocketAddress> preferred_for(const ngtcp2_path& path,
                                           const ngtcp2_preferred_addr& offered) {
  ngtcp2_addr address{};
  ngtcp2_sockaddr_union storage{};
  if (path.local.addr->sa_family == AF_INET && offered.ipv4_present != 0) {
    storage.in = offered.ipv4;
    address = {.addr = &storage.sa, .addrlen = sizeof storage.in};
  } else if (path.local.addr->sa_family == AF_INET6 && offered.ipv6_present != 0) {
    storage.in6 = offered.ipv6;
    address = {.addr = &storage.sa, .addrlen = sizeof storage.in6};
  } else {
    return std::nullopt;
  }
  return SocketAddress{to_address(address)};
}

}  // namespace

void Connection::Impl::tell_path(PathEvent::Type type, const Path& path) {
  if (!app_started || reported) return;
  shared.mark_ready(id.slot);
  const bool failed = type == PathEvent::Type::failed;
  application->on_path(handle, {.type = type,
                                .path = path,
                                .error = failed ? Error{LocalError::no_answer} : Error{},
                                .udp_payload = known_payload});
}

void Connection::Impl::watch_path() {
  if (!conn || state != State::connected) return;
  const Path path = to_path(*ngtcp2_conn_get_path2(conn.get()));
  const std::size_t found = ngtcp2_conn_get_path_max_tx_udp_payload_size2(conn.get());
  const bool first = known_path.remote.is_none();
  const bool moved = path != known_path;
  if (moved) {
    overtaking.end();
  }
  moved ? mtu.start_path(found) : mtu.set_path_size(found);
  const std::size_t payload = udp_payload_size();
  const bool resized = payload != known_payload;
  known_path = path;
  known_payload = payload;
  if (moved && !first) {
    tell_path(PathEvent::Type::changed, path);
  }
  if (resized && !first) {
    tell_path(PathEvent::Type::mtu, path);
  }
}

namespace {

FlightCounters flight_of(ngtcp2_conn* conn) {
  ngtcp2_conn_info info{};
  ngtcp2_conn_get_conn_info2(conn, &info);
  return {.in_flight = info.bytes_in_flight,
          .bytes_lost = info.bytes_lost,
          .packets_lost = info.pkt_lost};
}

}  // namespace

void Connection::Impl::watch_flight(Time now) {
  if (state == State::connected) {
    mtu.handle_news(flight_of(conn.get()), to_duration(ngtcp2_conn_get_pto2(conn.get())), now);
  }
}

void Connection::Impl::watch_sent(std::size_t size, Time now) {
  if (state == State::connected) {
    mtu.handle_sent(size, flight_of(conn.get()), now);
  }
}

void Connection::Impl::watch_overtaking(bool elsewhere, Time now) {
  if (!elsewhere) {
    overtaking.handle_sent(now);
    return;
  }
  // What counts is the client's challenge and the server's response. When a server challenges
  // another path it is the one that was left, and nothing depends on the response.
  if (state != State::connected || has_challenged == server) return;
  // With this much in flight a packet's number has two bytes, which nothing overtakes.
  constexpr std::uint64_t packets_of_long_numbers = 192;
  if (flight_of(conn.get()).in_flight < packets_of_long_numbers * udp_payload_size()) {
    overtaking.handle_probe(now);
  }
}

std::size_t Connection::Impl::udp_payload_size() const noexcept {
  // Before the guard knows a path, nothing can have gone wrong on it.
  return known_path.remote.is_none() ? ngtcp2_conn_get_path_max_tx_udp_payload_size2(conn.get())
                                     : mtu.size();
}

void Connection::Impl::tolerate_replacements() {
  // A server whose client is rebound by a NAT and migrates at once retires the old path's
  // connection ID and keeps it to fall back to. ngtcp2 1.24 still counts it, and would take its
  // replacement for one too many: CONNECTION_ID_LIMIT_ERROR against a client that did nothing
  // wrong. The announced limit stays; only the enforced one has room for one more.
  //
  // The cast is sound: the parameters are a member of the connection, which ngtcp2 allocates as an
  // object that is not const, and after the handshake it reads this one only to count. Its setter,
  // ngtcp2_conn_set_local_transport_params(), will not do: it works only until the parameters are
  // encoded, so the peer would be told the larger number, and use it. Room for one more does no
  // harm where it is not needed, and if a later ngtcp2 ignores this, the scenario of a client that
  // migrates while its server validates a rebinding fails.
  auto* const own =
      const_cast<ngtcp2_transport_params*>(ngtcp2_conn_get_local_transport_params2(conn.get()));
  own->active_connection_id_limit = announced_cids + 1;
}

bool Connection::Impl::offer_preferred_address(ngtcp2_transport_params& params) {
  const Config& config = shared.config;
  const auto ipv4 = socket_address<ngtcp2_sockaddr_in>(config.preferred_ipv4);
  const auto ipv6 = socket_address<ngtcp2_sockaddr_in6>(config.preferred_ipv6);
  if (!ipv4 && !ipv6) return true;
  ngtcp2_preferred_addr& offer = params.preferred_addr;
  const auto made = shared.new_cid();
  if (!made) return false;
  offer.cid = *made;
  shared.add_cid(offer.cid, id.slot);
  offer.ipv4 = ipv4.value_or(ngtcp2_sockaddr_in{});
  offer.ipv6 = ipv6.value_or(ngtcp2_sockaddr_in6{});
  offer.ipv4_present = ipv4 ? 1 : 0;
  offer.ipv6_present = ipv6 ? 1 : 0;
  if (!shared.own_reset_tokens.make(offer.cid, offer.stateless_reset_token)) return false;
  params.preferred_addr_present = 1;
  return true;
}

void Connection::Impl::choose_preferred_address(ngtcp2_path& chosen,
                                                const ngtcp2_preferred_addr& offered) const {
  if (!shared.config.use_preferred_address) return;
  if (const auto address = preferred_for(*ngtcp2_conn_get_path2(conn.get()), offered)) {
    std::memcpy(chosen.remote.addr, address->get(), address->size);
    chosen.remote.addrlen = address->size;
  }
}

Result<> Connection::migrate(const Address& new_local, Time now) {
  if (impl_->state != State::connected) return std::unexpected(Error{UsageError::closed});
  if (impl_->server) {
    return std::unexpected(Error{UsageError::unsupported, "only a client can migrate"});
  }
  if (!impl_->handshake_confirmed) {
    return std::unexpected(
        Error{UsageError::limit_reached, "the handshake is not confirmed yet; migrate later"});
  }
  const ngtcp2_transport_params* peer = ngtcp2_conn_get_remote_transport_params2(impl_->conn.get());
  if (peer != nullptr && peer->disable_active_migration != 0) {
    return std::unexpected(
        Error{UsageError::unsupported, "the server forbids migration (disable_active_migration)"});
  }
  const Path now_used = path();
  if (new_local.is_ipv4() != now_used.remote.is_ipv4()) {
    return std::unexpected(
        Error{UsageError::invalid_argument, new_local.to_string() + " cannot reach " +
                                                now_used.remote.to_string() +
                                                ": not the same family of addresses"});
  }
  PathStorage storage{{new_local, now_used.remote}};
  switch (ngtcp2_conn_initiate_migration(impl_->conn.get(), storage.get(), quic::to_ngtcp2(now))) {
    case 0:
      impl_->watch_path();
      want_write();
      return {};
    case NGTCP2_ERR_CONN_ID_BLOCKED:
      return std::unexpected(Error{UsageError::limit_reached, "no spare connection ID yet"});
    case NGTCP2_ERR_INVALID_ARGUMENT:
      return std::unexpected(Error{UsageError::invalid_argument,
                                   new_local.to_string() + " is the address in use already"});
    default:
      return std::unexpected(Error{UsageError::limit_reached,
                                   "the server's preferred address is being validated; "
                                   "migrate later"});
  }
}

}  // namespace quoin::inline v0::quic
