// SPDX-License-Identifier: MIT
/// The tools for the requirements in conformance.cpp: two peers, what arrived at each, and what
/// went wrong.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/conformance.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::io {

/// A datagram that arrived, copied and taken out of its train.
struct Arrival {
  Path path;
  std::string payload;
  Ecn ecn;
};

/// One of the two backends.
struct Peer {
  Backend& backend;
  Address host;
  std::vector<Arrival> arrived;
  std::vector<PathError> errors;
};

/// Ends a requirement early: why it cannot go on.
struct GivenUp {
  std::string why;
  bool is_failure = true;
};

/// One requirement being tried.
struct Trial {
  const ConformanceSubject& subject;
  Peer a;
  Peer b;
  std::vector<std::string> problems;

  /// Notes `what` unless it `holds`.
  void expect(bool holds, std::string_view what);
  /// Receives what has arrived at both.
  void pump();
  /// Lets both run until `done`; false: patience ran out.
  [[nodiscard]] bool await(const std::function<bool()>& done);
  /// Lets both run until `peer` has this many datagrams; gives up on fewer.
  void await_arrivals(const Peer& peer, std::size_t count);
};

/// A socket that is closed at the end.
class TrialSocket {
 public:
  TrialSocket(Peer& peer, const Address& local);
  TrialSocket(const TrialSocket&) = delete;
  TrialSocket& operator=(const TrialSocket&) = delete;
  ~TrialSocket();

  const Address local;

 private:
  Peer& peer_;
};

/// Sends one, which must be taken in time; otherwise gives up.
void send(Trial& trial, Peer& from, const Datagram& datagram);

/// A requirement: a sentence and its check.
struct Requirement {
  std::string_view sentence;
  void (*check)(Trial& trial);
};

/// Requirements on sockets, clock and waiting; those on datagrams are in the other file.
[[nodiscard]] std::vector<Requirement> socket_requirements();
[[nodiscard]] std::vector<Requirement> datagram_requirements();

}  // namespace quoin::inline v0::io
