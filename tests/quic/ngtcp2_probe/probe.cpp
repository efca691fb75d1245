// SPDX-License-Identifier: MIT
/// Tries everything that lib/quic/ngtcp2/*.c assumes of ngtcp2's insides, on real connections of
/// ngtcp2, and says by name what does not hold. Run by ctest, and by cmake/engine_probe.cmake
/// before an ngtcp2 that nobody has tried is taken. See docs/decisions/0010.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "quic/ngtcp2/key_phase.h"
#include "quic/ngtcp2/reclaimed_datagrams.h"
#include "quic/ngtcp2/settings.h"
#include "quic/ngtcp2/stopped_streams.h"
#include "world.hpp"

namespace quoin::probe {

namespace {

constexpr ngtcp2_duration ms = NGTCP2_MILLISECONDS;
constexpr ngtcp2_duration round_trip = 25 * ms;

bool update_keys(World& world, End& end) {
  const bool begun = quoin_ngtcp2_update_keys(end.conn, world.now) != 0;
  if (begun) world.write(end);
  return begun;
}

/// Sends a little and says whether it arrived.
bool gets_through(World& world, End& from, const End& to) {
  const std::uint64_t before = to.received;
  from.send(1000);
  world.run_for(20 * round_trip);
  return to.received == before + 1000;
}

// ---- key_phase.c
// ------------------------------------------------------------------------------------

void updates_wait_for_confirmation() {
  World world;
  expect(gets_through(world, world.client, world.server), "data arrive before the first update");
  expect(update_keys(world, world.client),
         "a first update may begin once the handshake is confirmed");
  expect(!update_keys(world, world.client), "no update begins while the last one is not confirmed");
  expect(gets_through(world, world.client, world.server), "data arrive in the new phase");
  world.client.send(1000);
  world.run_for(round_trip);
  expect(update_keys(world, world.client),
         "an update begins three probe timeouts after the last one");
  world.client.send(1000);
  world.run_for(round_trip);
  expect(!update_keys(world, world.client), "none begins less than three probe timeouts after it");
  expect(gets_through(world, world.client, world.server) &&
             gets_through(world, world.server, world.client),
         "data arrive both ways after two updates");
}

void updates_need_an_acknowledgement_of_the_phase() {
  World world;
  expect(gets_through(world, world.server, world.client), "data arrive before the first update");
  expect(update_keys(world, world.client), "the client's update begins");
  world.is_deaf_client = true;
  world.client.send(1000);
  world.run_for(5 * world.pto(world.server));
  expect(!update_keys(world, world.server),
         "who followed an update begins none before its packets of the phase are acknowledged");
  world.is_deaf_client = false;
  expect(gets_through(world, world.server, world.client), "data arrive when the path works again");
  world.run_for(5 * world.pto(world.server));
  expect(update_keys(world, world.server), "it begins one when they are");
}

void updates_begin_after_silence() {
  World world;
  expect(gets_through(world, world.client, world.server) && update_keys(world, world.client),
         "the first update begins");
  // Confirmed, and not asked for anything since: ngtcp2 has not made the next keys.
  world.client.send(1000);
  world.run_for(round_trip);
  world.sleep_for(10 * world.pto(world.client));
  expect(update_keys(world, world.client), "an update begins at the end of a silence");
  expect(gets_through(world, world.client, world.server), "data arrive in the phase it began");
}

void receivers_confirm() {
  World world;
  expect(gets_through(world, world.server, world.client), "data arrive before the first update");
  expect(update_keys(world, world.client) && update_keys(world, world.server),
         "both begin an update at the same time");
  expect(quoin_ngtcp2_begin_key_confirmation(world.client.conn) == 0,
         "an update is not confirmed before a packet of the new phase has arrived");
  // The client only acknowledges; nobody acknowledges that.
  for (int update = 0; update < 5; ++update) {
    expect(gets_through(world, world.server, world.client),
           "who only receives reads what the peer sends after update " + std::to_string(update));
    world.run_for(5 * world.pto(world.server));
    expect(update_keys(world, world.server), "the peer's next update begins");
  }
  expect(gets_through(world, world.server, world.client),
         "who only receives reads what the peer sends after the last update");
}

// ---- loss_timer.c
// -----------------------------------------------------------------------------------

void servers_send_again_after_a_rebinding() {
  World world;
  constexpr std::size_t size = 1'000'000;
  world.server.send(size);
  for (int i = 0; i < 1000 && world.client.received < 200'000; ++i) world.run_for(ms);
  // The server hears the client from another address, and is not heard there. What it hears lets it
  // fill the window, which is new too, before it may send no more.
  world.client_port = 5544;
  world.is_deaf_client = true;
  world.client.send(6000);
  world.run_for(2 * round_trip);
  world.is_deaf_server = true;
  world.run_for(200 * ms);
  world.is_deaf_server = false;
  const auto wait = [&] { return ngtcp2_conn_get_expiry(world.server.conn) - world.now; };
  expect(wait() > 0, "who may send no more has nothing to wait for");
  world.client.send(1000);
  world.write(world.client);
  world.sleep_for(10 * ms);
  world.arrive();
  expect(ngtcp2_conn_get_expiry(world.server.conn) <= world.now,
         "a server may send again, and its loss timer runs again, with the next packet received");
  world.is_deaf_client = false;
  for (int i = 0; i < 300 && world.client.received < size; ++i) world.run_for(100 * ms);
  expect(world.client.received == size, "all arrives when the path works again");
}

// ---- reclaimed_datagrams.c
// --------------------------------------------------------------------------

using Reclaimed = std::vector<std::pair<std::uint64_t, std::int64_t>>;

Reclaimed take_reclaimed(const End& end) {
  Reclaimed found;
  quoin_ngtcp2_take_reclaimed_datagrams(
      end.conn,
      [](void* context, std::uint64_t datagram, std::int64_t packet) {
        static_cast<Reclaimed*>(context)->emplace_back(datagram, packet);
      },
      &found);
  return found;
}

/// Loses a packet with a datagram and a stream, and stops when a probe timeout has taken the
/// stream's frame out of it.
Reclaimed reclaim(World& world) {
  End& client = world.client;
  world.lose_to_server = 1;
  client.send(500);
  world.write_datagram(client, 77);
  const std::uint8_t number = world.last_packet;
  expect(quoin_ngtcp2_is_probing(client.conn) == 0, "nothing is probed before a probe timeout");
  expect(take_reclaimed(client).empty(), "nothing is reclaimed before a probe timeout");
  for (int timer = 0; timer < 5 && quoin_ngtcp2_is_probing(client.conn) == 0; ++timer) {
    world.sleep_for(std::max(ngtcp2_conn_get_expiry(client.conn), world.now + 1) - world.now);
    expect(ngtcp2_conn_handle_expiry(client.conn, world.now) == 0, "timers are served");
  }
  expect(quoin_ngtcp2_is_probing(client.conn) != 0, "what follows a probe timeout is a probe");
  world.write(client);
  expect(quoin_ngtcp2_is_probing(client.conn) == 0, "what follows the probe is none");
  Reclaimed found = take_reclaimed(client);
  expect(found.size() == 1 && found[0].first == 77,
         "the datagram of a reclaimed packet is found, by its own number");
  expect(static_cast<std::uint8_t>(found[0].second) == number, "its packet is told by its number");
  return found;
}

void reclaimed_datagrams_are_found() {
  World world;
  const Reclaimed found = reclaim(world);
  expect(take_reclaimed(world.client).empty(), "it is found once");
  const std::int64_t packet = found[0].second;
  expect(quoin_ngtcp2_is_under_way(world.client.conn, packet) != 0, "its packet is under way");
  expect(quoin_ngtcp2_is_under_way(world.client.conn, packet + 1000) == 0,
         "a packet that was never sent is not under way");
  world.run_for(round_trip);
  expect(world.server.received == 500, "the reclaimed stream arrives");
  expect(quoin_ngtcp2_is_under_way(world.client.conn, packet) == 0,
         "its packet is not under way as soon as a later one is acknowledged");
  world.run_for(20 * round_trip);
  expect(world.client.lost_datagrams.empty() && world.client.acked_datagrams.empty(),
         "ngtcp2 says nothing of it itself");
}

void acknowledged_packets_are_not_under_way() {
  World world;
  world.client.send(500);
  world.write_datagram(world.client, 78);
  world.run_for(2 * round_trip);
  expect(world.client.acked_datagrams == std::vector<std::uint64_t>{78},
         "a datagram that arrives is told by ngtcp2");
  expect(take_reclaimed(world.client).empty(), "one that was acknowledged is not reclaimed");
}

// ---- settings.c
// -------------------------------------------------------------------------------------

void the_initial_window_is_used() {
  for (const ngtcp2_cc_algo algorithm :
       {NGTCP2_CC_ALGO_RENO, NGTCP2_CC_ALGO_CUBIC, NGTCP2_CC_ALGO_BBR}) {
    const std::string name = algorithm == NGTCP2_CC_ALGO_BBR     ? "BBR"
                             : algorithm == NGTCP2_CC_ALGO_CUBIC ? "CUBIC"
                                                                 : "Reno";
    for (const std::uint64_t window : {5'000U, 200'000U}) {
      // Nothing of it is acknowledged.
      World world{{.congestion_control = algorithm,
                   .server_window = window,
                   .server_begins = 1'000'000,
                   .stops_at_first = true}};
      ngtcp2_conn_info info{};
      ngtcp2_conn_get_conn_info(world.server.conn, &info);
      const std::string text = "the window of " + std::to_string(window) + " bytes, with " + name;
      expect(info.cwnd == window, text + ", is as it was set");
      world.run_for(3 * ms);
      const std::size_t sent = 1'000'000 - world.server.left;
      expect(sent > window * 6 / 10 && sent < window + 5'000,
             text + ", is filled in 3 ms: " + std::to_string(sent) + " bytes");
    }
    World world{{.congestion_control = algorithm, .server_window = 200'000}};
    for (int i = 0; i < 50; ++i) {
      expect(gets_through(world, world.server, world.client), "data arrive");
    }
    ngtcp2_conn_info info{};
    ngtcp2_conn_get_conn_info(world.server.conn, &info);
    expect(info.cwnd >= 200'000 + (algorithm == NGTCP2_CC_ALGO_BBR ? 40'000 : 0),
           "the window of 200000 bytes, with " + name +
               ", stays, and grows with BBR: " + std::to_string(info.cwnd));
  }
}

/// How long a side may be silent, when it has nothing to do.
ngtcp2_duration silence_of(World& world, End& end) {
  end.send(100);
  world.run_for(20 * round_trip);
  return ngtcp2_conn_get_expiry(end.conn) - world.now + 20 * round_trip;
}

void the_idle_timeout_is_changed() {
  World world;
  const auto is_about = [&](ngtcp2_duration seconds) {
    const ngtcp2_duration silence = silence_of(world, world.client);
    return silence > seconds * NGTCP2_SECONDS && silence < (seconds + 1) * NGTCP2_SECONDS;
  };
  expect(is_about(60), "at first the idle timeout is the one of the transport parameters");
  quoin_ngtcp2_set_idle_timeout(world.client.conn, 5 * NGTCP2_SECONDS);
  expect(is_about(5), "the idle timeout is the one that was set afterwards");
  quoin_ngtcp2_set_idle_timeout(world.client.conn, 0);
  expect(is_about(60), "without one of its own the peer's holds");
  World unanswered{{.is_unanswered = true}};
  unanswered.run_for(300 * NGTCP2_SECONDS);
  expect(ngtcp2_conn_get_handshake_completed(unanswered.client.conn) == 0,
         "without any a client goes on asking");
}

// ---- stopped_streams.c
// ------------------------------------------------------------------------------

void stopped_streams_end() {
  World world;
  // The first packets of a stream are lost, the last ones, with its end, arrive.
  world.lose_to_server = 2;
  const std::int64_t stream = world.client.send(8000);
  expect(quoin_ngtcp2_end_stopped_stream(world.server.conn, stream) != 0,
         "a stream that is not known needs no end");
  world.write(world.client);
  world.run_for(11 * ms);
  expect(quoin_ngtcp2_end_stopped_stream(world.server.conn, stream) != 0 &&
             world.server.closed.empty(),
         "a stream that nobody stopped is left alone");
  expect(ngtcp2_conn_shutdown_stream_read(world.server.conn, 0, stream, 9) == 0,
         "a stream can be stopped");
  expect(quoin_ngtcp2_end_stopped_stream(world.server.conn, stream) != 0 &&
             world.server.closed == std::vector<std::int64_t>{stream},
         "a stopped stream whose end has arrived is closed with bytes missing");
  world.run_for(20 * round_trip);
  expect(world.client.closed == std::vector<std::int64_t>{stream}, "its sender closes it too");
  expect(gets_through(world, world.client, world.server), "streams that follow arrive");
}

void stopped_streams_wait_for_their_size() {
  World world;
  const std::int64_t stream = world.client.send(2000);
  world.client.is_ending = false;
  world.write(world.client);
  world.run_for(11 * ms);
  expect(ngtcp2_conn_shutdown_stream_read(world.server.conn, 0, stream, 9) == 0,
         "a stream can be stopped");
  expect(quoin_ngtcp2_end_stopped_stream(world.server.conn, stream) == 0 &&
             world.server.closed.empty(),
         "a stopped stream whose end has not arrived stays");
  world.write(world.server);
  world.run_for(round_trip);
  expect(quoin_ngtcp2_end_stopped_stream(world.server.conn, stream) != 0 &&
             world.server.closed == std::vector<std::int64_t>{stream},
         "it is closed when a reset has told its size");
}

struct Assumption {
  const char* file;
  const char* sentence;
  void (*holds)();
};

constexpr Assumption assumptions[] = {
    {"key_phase.c", "key updates wait for the confirmation of the last one",
     updates_wait_for_confirmation},
    {"key_phase.c", "key updates need an acknowledgement of the phase",
     updates_need_an_acknowledgement_of_the_phase},
    {"key_phase.c", "key updates begin after a silence", updates_begin_after_silence},
    {"key_phase.c", "who only receives confirms key updates", receivers_confirm},
    {"loss_timer.c", "a server sends again after a rebinding",
     servers_send_again_after_a_rebinding},
    {"reclaimed_datagrams.c", "reclaimed datagrams are found", reclaimed_datagrams_are_found},
    {"reclaimed_datagrams.c", "acknowledged packets are not reclaimed",
     acknowledged_packets_are_not_under_way},
    {"settings.c", "the initial window is used", the_initial_window_is_used},
    {"settings.c", "the idle timeout is changed", the_idle_timeout_is_changed},
    {"stopped_streams.c", "stopped streams end", stopped_streams_end},
    {"stopped_streams.c", "stopped streams wait for their size",
     stopped_streams_wait_for_their_size},
};

}  // namespace

}  // namespace quoin::probe

int main() {
  // A version in which something goes round for ever fails too.
  alarm(60);
  int broken = 0;
  std::printf("ngtcp2 %s\n", ngtcp2_version(0)->version_str);
  for (const quoin::probe::Assumption& assumption : quoin::probe::assumptions) {
    // Before it is tried: what dies leaves a line that says in what.
    std::printf("%s (lib/quic/ngtcp2/%s): ", assumption.sentence, assumption.file);
    std::fflush(stdout);
    try {
      assumption.holds();
      std::printf("holds\n");
    } catch (const std::exception& what) {
      ++broken;
      std::printf("BROKEN, not so: %s\n", what.what());
    }
    std::fflush(stdout);
  }
  return broken == 0 ? 0 : 1;
}
