// SPDX-License-Identifier: MIT
/// What the conformance suite asks about datagrams: whether they arrive, from where and how marked,
/// and what happens to those that do not.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/time.hpp>

#include "io/conformance/trial.hpp"

namespace quoin::inline v0::io {

namespace {

/// A socket at each end.
struct Way {
  TrialSocket from;
  TrialSocket to;

  explicit Way(Trial& trial) : from(trial.a, trial.a.host), to(trial.b, trial.b.host) {}

  [[nodiscard]] Path there() const { return {.local = from.local, .remote = to.local}; }

  [[nodiscard]] Path back() const { return {.local = to.local, .remote = from.local}; }
};

/// The unspecified address of the family of `like`, port 0.
Address any_address(const Address& like) {
  const std::array<std::byte, 16> zeros{};
  return *Address::from_bytes(Bytes{zeros}.first(like.is_ipv4() ? 4 : 16), 0);
}

void check_exchange(Trial& trial) {
  const Way way{trial};
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{1200}}) {
    const std::string ping(size, 'i');
    const std::string pong(size, 'o');
    trial.a.arrived.clear();
    trial.b.arrived.clear();
    send(trial, trial.a, {.path = way.there(), .payload = as_bytes(ping)});
    trial.await_arrivals(trial.b, 1);
    trial.expect(trial.b.arrived[0].payload == ping, "another payload arrives");
    trial.expect(trial.b.arrived[0].path == way.back(), "it arrives with another path");
    trial.expect(trial.b.arrived[0].ecn == Ecn::not_ect, "it arrives with an ECN mark");
    send(trial, trial.b, {.path = way.back(), .payload = as_bytes(pong)});
    trial.await_arrivals(trial.a, 1);
    trial.expect(trial.a.arrived[0].payload == pong, "another payload comes back");
    trial.expect(trial.a.arrived[0].path == way.there(), "it comes back with another path");
  }
}

void check_ecn(Trial& trial) {
  if (!trial.a.backend.capabilities().ecn || !trial.b.backend.capabilities().ecn) {
    throw GivenUp{"the capabilities are without ECN", false};
  }
  const Way way{trial};
  for (const Ecn mark : {Ecn::ect0, Ecn::ect1, Ecn::ce, Ecn::not_ect}) {
    trial.a.arrived.clear();
    trial.b.arrived.clear();
    send(trial, trial.a, {.path = way.there(), .payload = as_bytes("x"), .ecn = mark});
    send(trial, trial.b, {.path = way.back(), .payload = as_bytes("x"), .ecn = mark});
    trial.await_arrivals(trial.a, 1);
    trial.await_arrivals(trial.b, 1);
    trial.expect(trial.a.arrived[0].ecn == mark, "a mark is lost or changed towards a");
    trial.expect(trial.b.arrived[0].ecn == mark, "a mark is lost or changed towards b");
  }
}

/// Sends `count` segments and one of another size, and checks what arrives.
void check_train_of(Trial& trial, const Way& way, std::size_t count, std::size_t size,
                    std::size_t last) {
  trial.b.arrived.clear();
  const Ecn mark = trial.a.backend.capabilities().ecn ? Ecn::ect0 : Ecn::not_ect;
  std::string payload;
  std::multiset<std::string> sent;
  for (std::size_t i = 0; i <= count; ++i) {
    const std::string segment(i < count ? size : last, static_cast<char>('A' + i));
    payload += segment;
    sent.insert(segment);
  }
  send(trial, trial.a,
       {.path = way.there(), .payload = as_bytes(payload), .segment_size = size, .ecn = mark});
  trial.await_arrivals(trial.b, count + 1);
  std::multiset<std::string> arrived;
  for (const Arrival& arrival : trial.b.arrived) {
    arrived.insert(arrival.payload);
    trial.expect(arrival.ecn == mark, "a segment has another ECN mark");
    trial.expect(arrival.path == way.back(), "a segment has another path");
  }
  trial.expect(arrived == sent, "the segments are not those that were sent");
}

void check_trains(Trial& trial) {
  const Way way{trial};
  const std::size_t most = trial.a.backend.capabilities().max_send_segments;
  if (most < 2) {
    throw GivenUp{"the capabilities are without trains", false};
  }
  const std::size_t many = std::min<std::size_t>(most, 20) - 1;
  check_train_of(trial, way, many, 1200, 1200);
  check_train_of(trial, way, many, 1200, 333);
  check_train_of(trial, way, 1, 700, 1);
  check_train_of(trial, way, many, 10, 10);
}

void check_bytes_are_free(Trial& trial) {
  const Way way{trial};
  std::string payload = "before";
  send(trial, trial.a, {.path = way.there(), .payload = as_bytes(payload)});
  std::ranges::fill(payload, 'x');
  trial.await_arrivals(trial.b, 1);
  trial.expect(trial.b.arrived[0].payload == "before",
               "writing to the buffer after send() changes what was sent");
}

void check_views(Trial& trial) {
  const Way way{trial};
  send(trial, trial.a, {.path = way.there(), .payload = as_bytes("stay")});
  const Time end = trial.b.backend.now() + trial.subject.patience;
  std::span<const Datagram> batch = trial.b.backend.receive();
  while (batch.empty() && trial.b.backend.now() < end) {
    trial.b.backend.wait(trial.b.backend.now() + std::chrono::milliseconds{1});
    batch = trial.b.backend.receive();
  }
  if (batch.empty()) {
    throw GivenUp{"nothing arrived"};
  }
  const Datagram reply{.path = way.back(), .payload = batch[0].payload};
  trial.expect(trial.b.backend.send({&reply, 1}) == 1, "nothing is sent while a batch is out");
  (void)trial.b.backend.errors();
  {
    const TrialSocket another{trial.b, trial.b.host};
  }
  trial.b.backend.close(way.to.local);
  const Datagram late{.path = way.there(), .payload = as_bytes("LATE")};
  trial.expect(trial.a.backend.send({&late, 1}) == 1, "send() takes nothing");
  trial.b.backend.wait(trial.b.backend.now() + std::chrono::milliseconds{1});
  trial.expect(as_text(batch[0].payload) == "stay", "a view changes before the next receive()");
}

void check_rounds(Trial& trial) {
  const Way way{trial};
  constexpr std::size_t rounds = 30;
  constexpr std::size_t each = 40;
  for (std::size_t round = 0; round < rounds; ++round) {
    trial.b.arrived.clear();
    for (std::size_t i = 0; i < each; ++i) {
      const std::string payload = std::to_string(round) + ":" + std::to_string(i);
      send(trial, trial.a, {.path = way.there(), .payload = as_bytes(payload)});
    }
    trial.await_arrivals(trial.b, each);
    std::set<std::string> different;
    for (const Arrival& arrival : trial.b.arrived) {
      different.insert(arrival.payload);
    }
    trial.expect(different.size() == each, "a datagram arrives twice, or another one's bytes");
  }
}

void check_burst(Trial& trial) {
  const Way way{trial};
  constexpr std::size_t count = 200;
  std::vector<std::string> payloads;
  for (std::size_t i = 0; i < count; ++i) {
    payloads.push_back(std::to_string(i));
  }
  std::vector<Datagram> batch;
  for (const std::string& payload : payloads) {
    batch.push_back({.path = way.there(), .payload = as_bytes(payload)});
  }
  std::size_t sent = 0;
  const Time end = trial.a.backend.now() + trial.subject.patience;
  while (sent < count && trial.a.backend.now() < end) {
    sent += trial.a.backend.send(std::span{batch}.subspan(sent));
    if (sent < count) {
      trial.a.backend.wait(end);
    }
  }
  trial.await_arrivals(trial.b, count);
  std::set<std::string> different;
  for (const Arrival& arrival : trial.b.arrived) {
    different.insert(arrival.payload);
  }
  trial.expect(different.size() == count, "a burst did not arrive as it was sent");
}

void check_sockets(Trial& trial) {
  const TrialSocket first{trial.a, trial.a.host};
  const TrialSocket second{trial.a, trial.a.host};
  const TrialSocket left{trial.b, trial.b.host};
  const TrialSocket right{trial.b, trial.b.host};
  std::vector<Datagram> batch;
  for (int i = 0; i < 5; ++i) {
    for (const TrialSocket* const from : {&first, &second}) {
      for (const TrialSocket* const to : {&left, &right}) {
        batch.push_back({.path = {.local = from->local, .remote = to->local},
                         .payload = as_bytes(to == &left ? "left" : "right")});
      }
    }
  }
  trial.expect(trial.a.backend.send(batch) == batch.size(), "send() does not take them all");
  trial.await_arrivals(trial.b, batch.size());
  for (const Arrival& arrival : trial.b.arrived) {
    const Address& right_one = arrival.payload == "left" ? left.local : right.local;
    trial.expect(arrival.path.local == right_one, "a datagram arrives at another socket");
  }
  for (const TrialSocket* const from : {&first, &second}) {
    const auto count = std::ranges::count_if(
        trial.b.arrived, [&](const Arrival& each) { return each.path.remote == from->local; });
    trial.expect(count == 10, "a datagram leaves from another socket");
  }
}

void check_fairness(Trial& trial) {
  const TrialSocket from{trial.a, trial.a.host};
  const TrialSocket busy{trial.b, trial.b.host};
  const TrialSocket quiet{trial.b, trial.b.host};
  constexpr std::size_t flood = 150;
  constexpr int turns = 8;
  std::vector<Datagram> batch(
      flood, {.path = {.local = from.local, .remote = busy.local}, .payload = as_bytes("x")});
  batch.push_back({.path = {.local = from.local, .remote = quiet.local}, .payload = as_bytes("y")});
  trial.expect(trial.a.backend.send(batch) == batch.size(), "send() does not take them all");
  const Time end = trial.b.backend.now() + trial.subject.patience;
  for (int turn = 0; turn < turns && trial.b.backend.now() < end;) {
    const auto received = trial.b.backend.receive();
    if (std::ranges::any_of(received,
                            [&](const Datagram& each) { return each.path.local == quiet.local; })) {
      return;
    }
    if (received.empty()) {
      trial.b.backend.wait(trial.b.backend.now() + std::chrono::milliseconds{1});
    } else {
      ++turn;
    }
  }
  trial.expect(false, "a busy socket keeps another one waiting");
}

void check_unspecified(Trial& trial) {
  const TrialSocket from{trial.a, trial.a.host};
  const TrialSocket any{trial.b, any_address(trial.b.host)};
  trial.expect(any.local.is_any() && any.local.port() != 0, "open() returns another address");
  const Path there{.local = from.local, .remote = trial.b.host.with_port(any.local.port())};
  send(trial, trial.a, {.path = there, .payload = as_bytes("ping")});
  trial.await_arrivals(trial.b, 1);
  trial.expect(trial.b.arrived[0].path == Path{.local = there.remote, .remote = there.local},
               "the local address is not the one asked for");
  send(trial, trial.b,
       {.path = {.local = there.remote, .remote = there.local}, .payload = as_bytes("pong")});
  trial.await_arrivals(trial.a, 1);
  trial.expect(trial.a.arrived[0].path == there, "the answer leaves from another address");
}

void check_empty(Trial& trial) {
  const Way way{trial};
  for (int i = 0; i < 50; ++i) {
    send(trial, trial.a, {.path = way.there(), .payload = {}});
  }
  send(trial, trial.a, {.path = way.there(), .payload = as_bytes("real")});
  trial.await_arrivals(trial.b, 1);
  trial.expect(trial.b.arrived.back().payload == "real", "something else arrives");
}

void check_too_large(Trial& trial) {
  const Way way{trial};
  const std::string huge(65'528, 'x');
  send(trial, trial.a, {.path = way.there(), .payload = as_bytes("before")});
  send(trial, trial.a, {.path = way.there(), .payload = as_bytes(huge)});
  send(trial, trial.a, {.path = way.there(), .payload = as_bytes("after")});
  trial.await_arrivals(trial.b, 2);
  std::multiset<std::string> arrived;
  for (const Arrival& arrival : trial.b.arrived) {
    arrived.insert(arrival.payload.substr(0, 10));
  }
  trial.expect(arrived == std::multiset<std::string>{"after", "before"},
               "something other than what fits arrives");
  for (const PathError& error : trial.a.errors) {
    trial.expect(error.error == Error{Error::Domain::system, EMSGSIZE},
                 "it is told as another error than EMSGSIZE");
  }
}

void check_strange_source(Trial& trial) {
  const Way way{trial};
  Path strange = way.there();
  {
    const TrialSocket gone{trial.a, trial.a.host};
    strange.local = gone.local;
  }
  send(trial, trial.a, {.path = strange, .payload = as_bytes("lost")});
  send(trial, trial.a, {.path = way.there(), .payload = as_bytes("x")});
  trial.await_arrivals(trial.b, 1);
  trial.expect(trial.b.arrived[0].payload == "x", "a socket that is closed still sends");
}

void check_refusal(Trial& trial) {
  if (!trial.subject.tells_refusals) {
    throw GivenUp{"the subject reports no refusals", false};
  }
  const Way way{trial};
  Path nobody = way.there();
  {
    const TrialSocket gone{trial.b, trial.b.host};
    nobody.remote = gone.local;
  }
  send(trial, trial.a, {.path = nobody, .payload = as_bytes("anybody?")});
  if (!trial.await([&] { return !trial.a.errors.empty(); })) {
    throw GivenUp{"no error is reported"};
  }
  trial.expect(trial.a.errors[0].error == Error{Error::Domain::system, ECONNREFUSED},
               "the error is not ECONNREFUSED");
  trial.expect(trial.a.errors[0].path.remote == nobody.remote, "it is told of another peer");
  trial.pump();
  trial.expect(trial.a.errors.size() == 1, "it is told more than once");
  for (std::size_t i = 1; i <= 5; ++i) {
    send(trial, trial.a, {.path = nobody, .payload = as_bytes("anybody?")});
    send(trial, trial.a, {.path = way.there(), .payload = as_bytes("somebody")});
    trial.await_arrivals(trial.b, i);
  }
}

void check_close_while_pending(Trial& trial) {
  const TrialSocket from{trial.a, trial.a.host};
  const TrialSocket stays{trial.b, trial.b.host};
  Address closed;
  {
    const TrialSocket closing{trial.b, trial.b.host};
    closed = closing.local;
    for (int i = 0; i < 40; ++i) {
      const Address& to = i % 2 == 0 ? closed : stays.local;
      const Datagram one{.path = {.local = from.local, .remote = to}, .payload = as_bytes("x")};
      trial.expect(trial.a.backend.send({&one, 1}) == 1, "send() takes nothing");
    }
    trial.b.backend.wait(trial.b.backend.now() + std::chrono::milliseconds{1});
  }
  trial.await_arrivals(trial.b, 20);
  trial.expect(std::ranges::all_of(
                   trial.b.arrived,
                   [&](const Arrival& arrival) { return arrival.path.local == stays.local; }),
               "something arrives at a socket that was closed");
  const TrialSocket again{trial.b, closed};
  send(trial, trial.a,
       {.path = {.local = from.local, .remote = closed}, .payload = as_bytes("new")});
  trial.await_arrivals(trial.b, trial.b.arrived.size() + 1);
  trial.expect(trial.b.arrived.back().payload == "new",
               "what was sent to a closed socket arrives at the next one");
}

}  // namespace

std::vector<Requirement> datagram_requirements() {
  return {
      {"datagrams go there and back, with both addresses", check_exchange},
      {"ECN marks arrive as they were sent, both ways", check_ecn},
      {"trains arrive as their segments", check_trains},
      {"the bytes are the caller's again when send() has taken them", check_bytes_are_free},
      {"views are valid until the next receive()", check_views},
      {"buffers are used again and again without mixing them up", check_rounds},
      {"a burst arrives", check_burst},
      {"several sockets send and receive, each its own", check_sockets},
      {"all sockets get their turn although one is flooded", check_fairness},
      {"the unspecified address tells the true one, and answers from it", check_unspecified},
      {"empty datagrams stand in nobody's way", check_empty},
      {"a datagram that is too large is lost alone", check_too_large},
      {"a datagram from a socket that is gone is taken and lost", check_strange_source},
      {"a refused datagram is reported once, and stops no others", check_refusal},
      {"a socket can be closed while datagrams wait for it", check_close_while_pending},
  };
}

}  // namespace quoin::inline v0::io
