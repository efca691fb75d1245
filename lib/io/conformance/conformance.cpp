// SPDX-License-Identifier: MIT
/// Runs the conformance suite; and what it asks about sockets, waiting and the clock.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/conformance.hpp>
#include <quoin/time.hpp>

#include "io/conformance/trial.hpp"

namespace quoin::inline v0::io {

void Trial::expect(bool holds, std::string_view what) {
  if (!holds) {
    problems.emplace_back(what);
  }
}

void Trial::pump() {
  constexpr int max_batches = 1000;
  for (Peer* const peer : {&a, &b}) {
    for (int i = 0; i < max_batches; ++i) {
      const auto batch = peer->backend.receive();
      if (batch.empty()) break;
      for (const Datagram& datagram : batch) {
        const std::size_t whole = datagram.payload.size();
        const std::size_t step = datagram.segment_size == 0 ? whole : datagram.segment_size;
        for (std::size_t at = 0; at < whole; at += step) {
          const Bytes one = datagram.payload.subspan(at, std::min(step, whole - at));
          peer->arrived.push_back(
              {.path = datagram.path, .payload = std::string{as_text(one)}, .ecn = datagram.ecn});
        }
      }
    }
    const auto errors = peer->backend.errors();
    peer->errors.insert(peer->errors.end(), errors.begin(), errors.end());
  }
}

bool Trial::await(const std::function<bool()>& done) {
  const Time end = a.backend.now() + subject.patience;
  for (pump(); !done(); pump()) {
    if (a.backend.now() > end) return false;
    b.backend.wait(b.backend.now() + std::chrono::milliseconds{1});
    a.backend.wait(a.backend.now() + std::chrono::milliseconds{1});
  }
  return true;
}

void Trial::await_arrivals(const Peer& peer, std::size_t count) {
  if (!await([&] { return peer.arrived.size() >= count; })) {
    throw GivenUp{std::to_string(peer.arrived.size()) + " datagrams arrived instead of " +
                  std::to_string(count)};
  }
}

TrialSocket::TrialSocket(Peer& peer, const Address& at)
    : local([&] {
        const Result<Address> opened = peer.backend.open(at);
        return opened ? *opened : throw GivenUp{"open(): " + opened.error().message()};
      }()),
      peer_(peer) {}

TrialSocket::~TrialSocket() { peer_.backend.close(local); }

void send(Trial& trial, Peer& from, const Datagram& datagram) {
  if (!trial.await([&] { return from.backend.send({&datagram, 1}) == 1; })) {
    throw GivenUp{"send() takes nothing"};
  }
}

namespace {

void check_ports(Trial& trial) {
  Backend& backend = trial.a.backend;
  const TrialSocket first{trial.a, trial.a.host};
  const TrialSocket second{trial.a, trial.a.host};
  trial.expect(first.local.port() != 0, "port 0 gave no free port");
  trial.expect(first.local.with_port(0) == trial.a.host, "open() returns another address");
  trial.expect(first.local.port() != second.local.port(), "a port is given away twice");
  trial.expect(backend.receive().empty(), "something arrives although nobody sent");
}

void check_port_in_use(Trial& trial) {
  Backend& backend = trial.a.backend;
  Address used;
  {
    const TrialSocket first{trial.a, trial.a.host};
    used = first.local;
    const Result<Address> again = backend.open(used);
    trial.expect(!again, "an address can be opened twice");
    trial.expect(again || again.error() == Error{Error::Domain::system, EADDRINUSE},
                 "the error is not EADDRINUSE of the system");
    trial.expect(again || again.error().message().contains(used.to_string()),
                 "the error does not name the address");
  }
  backend.close(used);  // it is no more, which is ignored
  const TrialSocket reopened{trial.a, used};
  trial.expect(reopened.local == used, "a closed port cannot be opened again");
}

void check_source(Trial& trial) {
  const Result<Address> source = trial.a.backend.source_for(trial.b.host.with_port(1));
  if (!source) {
    throw GivenUp{"source_for(): " + source.error().message()};
  }
  trial.expect(source->is_ipv4() == trial.b.host.is_ipv4(), "the family is another one");
  trial.expect(source->port() == 0, "the port is not 0");
}

void check_clock(Trial& trial) {
  Backend& backend = trial.a.backend;
  const Time start = backend.now();
  backend.wait(start);  // is past
  const Time end = start + std::chrono::milliseconds{20};
  Time before = start;
  int waits = 0;
  for (; backend.now() < end && waits < 10'000; ++waits) {
    backend.wait(end);
    trial.expect(backend.now() >= before, "the clock goes backwards");
    before = backend.now();
  }
  trial.expect(waits < 200, "wait() ends before its deadline all the time");
}

void check_wake(Trial& trial) {
  Backend& backend = trial.a.backend;
  backend.wake();
  backend.wake();
  backend.wait(std::nullopt);  // would never return
  trial.pump();
  const std::jthread other{[&backend] {
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    backend.wake();
  }};
  backend.wait(std::nullopt);
  trial.pump();
}

bool is_readable(int descriptor, int milliseconds) {
  pollfd watched{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, milliseconds) == 1;
}

void check_descriptor(Trial& trial) {
  const int descriptor = trial.b.backend.descriptor();
  if (descriptor < 0) {
    throw GivenUp{"there is no descriptor", false};
  }
  constexpr std::size_t count = 100;
  constexpr int patience = 5000;
  const TrialSocket from{trial.a, trial.a.host};
  const TrialSocket to{trial.b, trial.b.host};
  trial.expect(trial.await([&] { return !is_readable(descriptor, 0); }),
               "the descriptor is readable for nothing");
  const Datagram one{.path = {.local = from.local, .remote = to.local}, .payload = as_bytes("x")};
  const std::vector<Datagram> all(count, one);
  for (std::size_t sent = 0; sent < count;) {
    sent += trial.a.backend.send(std::span{all}.subspan(sent));
  }
  std::size_t received = 0;
  while (received < count) {
    if (!is_readable(descriptor, patience)) {
      throw GivenUp{"the descriptor is not readable while there is something to receive"};
    }
    for (const Datagram& datagram : trial.b.backend.receive()) {
      received += datagram.payload.size();
    }
  }
  trial.expect(trial.await([&] { return !is_readable(descriptor, 0); }),
               "the descriptor stays readable when all is received");
  trial.b.backend.wake();
  trial.expect(is_readable(descriptor, patience), "wake() does not make the descriptor readable");
  trial.pump();
  trial.b.backend.wait(trial.b.backend.now());
}

void check_words(Trial& trial) {
  Backend& backend = trial.a.backend;
  trial.expect(!backend.describe().empty(), "describe() is empty");
  trial.expect(backend.capabilities().max_send_segments >= 1, "max_send_segments is 0");
  std::array<std::byte, 64> first{};
  std::array<std::byte, 64> second{};
  backend.fill_random(first);
  backend.fill_random(second);
  trial.expect(first != second, "random bytes repeat");
  trial.expect(std::ranges::count(first, std::byte{0}) < 16, "random bytes are not filled in");
  trial.b.backend.fill_random(second);
  trial.expect(first != second, "both backends draw the same random bytes");
}

/// "a; b", each once.
std::string join(std::vector<std::string> problems) {
  std::string text;
  problems.erase(std::ranges::unique(problems).begin(), problems.end());
  for (const std::string& problem : problems) {
    text.append(text.empty() ? "" : "; ").append(problem);
  }
  return text;
}

ConformanceResult run(const Requirement& requirement, const ConformanceSubject& subject,
                      const ConformanceSubject::Hosts& hosts) {
  using Outcome = ConformanceResult::Outcome;
  ConformanceResult result;
  result.requirement = std::string{requirement.sentence} + " (" + hosts.a.host() + ")";
  Trial trial{.subject = subject,
              .a = {.backend = subject.a, .host = hosts.a, .arrived = {}, .errors = {}},
              .b = {.backend = subject.b, .host = hosts.b, .arrived = {}, .errors = {}},
              .problems = {}};
  try {
    requirement.check(trial);
  } catch (const GivenUp& given_up) {
    if (!given_up.is_failure && trial.problems.empty()) {
      result.outcome = Outcome::skipped;
      result.detail = given_up.why;
      return result;
    }
    trial.problems.push_back(given_up.why);
  }
  trial.pump();  // nothing is left for the next one
  if (!trial.problems.empty()) {
    result.outcome = Outcome::failed;
    result.detail = join(std::move(trial.problems));
  }
  return result;
}

}  // namespace

std::vector<Requirement> socket_requirements() {
  return {
      {"a socket gets a port of its own", check_ports},
      {"a port in use is an error that names it, and it is free once closed", check_port_in_use},
      {"the source address towards a host is known", check_source},
      {"waiting lasts until the deadline, by a clock that goes forward", check_clock},
      {"a wait without deadline ends when it is woken", check_wake},
      {"the descriptor is readable while there is something to receive", check_descriptor},
      {"random bytes are random, and the description is there", check_words},
  };
}

std::size_t check_conformance(const ConformanceSubject& subject,
                              const std::function<void(const ConformanceResult&)>& report) {
  std::vector<Requirement> requirements = socket_requirements();
  std::ranges::move(datagram_requirements(), std::back_inserter(requirements));
  std::size_t failures = 0;
  for (const ConformanceSubject::Hosts& hosts : subject.hosts) {
    for (const Requirement& requirement : requirements) {
      const ConformanceResult result = run(requirement, subject, hosts);
      failures += result.outcome == ConformanceResult::Outcome::failed ? 1U : 0U;
      report(result);
    }
  }
  return failures;
}

}  // namespace quoin::inline v0::io
