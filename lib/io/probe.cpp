// SPDX-License-Identifier: MIT
/// Probes sockets by using them: there is no other way to find options that the kernel accepts but
/// devices do not honour.
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <sys/utsname.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/probe.hpp>
#include <quoin/io/socket_options.hpp>
#include <quoin/io/uring.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::io {
namespace {

using Verdict = Finding::Verdict;

constexpr std::size_t segment = 1200;
constexpr std::size_t segments = 4;

/// What arrived of a train that was sent with an ECN mark.
struct Exchange {
  Capabilities sender;
  Capabilities receiver;
  std::size_t bytes = 0;
  bool came_as_train = false;
  bool kept_mark = false;
};

// One backend sends to another of the same kind on the loopback interface.
Result<Exchange> exchange(const std::string& host) {
  const std::unique_ptr<Backend> from = system_backend();
  const std::unique_ptr<Backend> to = system_backend();
  const Address any = Address::parse_host(host, 0).value();
  const Result<Address> source = from->open(any);
  if (!source) return std::unexpected(source.error());
  const Result<Address> target = to->open(any);
  if (!target) return std::unexpected(target.error());

  Exchange found;
  found.sender = from->capabilities();
  const bool trains = found.sender.max_send_segments >= segments;
  const std::vector<std::byte> payload(segments * segment, std::byte{'q'});
  Datagram datagram;
  datagram.path = {.local = *source, .remote = *target};
  datagram.payload = trains ? Bytes{payload} : Bytes{payload}.first(segment);
  datagram.segment_size = trains ? segment : 0;
  datagram.ecn = found.sender.ecn ? Ecn::ect0 : Ecn::not_ect;
  const std::size_t expected = datagram.payload.size();
  (void)from->send({&datagram, 1});

  constexpr std::chrono::milliseconds patience{500};
  const Time deadline = to->now() + patience;
  while (found.bytes < expected && to->now() < deadline) {
    to->wait(deadline);
    for (const Datagram& arrived : to->receive()) {
      found.bytes += arrived.payload.size();
      found.came_as_train = found.came_as_train || arrived.segment_size != 0;
      found.kept_mark = arrived.ecn == datagram.ecn;
    }
  }
  // An offload that failed in use is off by now.
  found.sender = from->capabilities();
  found.receiver = to->capabilities();
  if (found.bytes < expected) {
    return std::unexpected(Error{Error::Domain::system, ETIMEDOUT, "datagrams to " + host});
  }
  return found;
}

Finding kernel() {
  utsname name{};
  const std::string text =
      ::uname(&name) == 0 ? std::string{name.sysname} + " " + name.release : std::string{"unknown"};
  return {Verdict::good, "kernel", text, {}};
}

Finding family(const std::string& subject, const Result<Exchange>& found) {
  if (found) return {Verdict::good, subject, "UDP over loopback works", {}};
  return {Verdict::note, subject, "no UDP over loopback: " + found.error().message(),
          "fine if this machine does not need " + subject +
              "; else look at its addresses, and at rules of a firewall or a sandbox"};
}

void add_offloads(std::vector<Finding>& findings, const Exchange& found) {
  findings.push_back(
      found.sender.max_send_segments > 1
          ? Finding{Verdict::good,
                    "GSO",
                    "trains of up to " + std::to_string(found.sender.max_send_segments) +
                        " datagrams in one call",
                    {}}
          : Finding{Verdict::note, "GSO", "not supported: one call per datagram",
                    "use Linux 4.18 or later; some containers and virtual devices turn it off"});
  findings.push_back(found.receiver.receive_offload
                         ? Finding{Verdict::good,
                                   "GRO",
                                   found.came_as_train ? "trains arrive as trains"
                                                       : "on; no train was seen on loopback",
                                   {}}
                         : Finding{Verdict::note, "GRO", "not supported: one datagram at a time",
                                   "use Linux 5.0 or later"});
  findings.push_back(
      found.sender.ecn && found.kept_mark
          ? Finding{Verdict::good, "ECN", "marks are sent and reported", {}}
          : Finding{Verdict::note, "ECN", "marks do not get through",
                    "look for rules that change the TOS field (iptables -t mangle)"});
  findings.push_back(
      found.sender.may_fragment
          ? Finding{Verdict::note, "DF", "cannot be guaranteed, so datagrams stay at 1200 bytes",
                    "the sandbox refuses IP_MTU_DISCOVER; run outside of it"}
          : Finding{Verdict::good, "DF", "set on all datagrams; path MTU is probed for", {}});
}

Finding buffer(const std::string& name, const std::string& what) {
  std::ifstream file{"/proc/sys/net/core/" + name};
  std::size_t most = 0;
  if (!(file >> most)) {
    return {Verdict::note, what, "the limit cannot be read (/proc/sys/net/core/" + name + ")",
            "mount /proc"};
  }
  const std::size_t wanted = SocketOptions{}.receive_buffer;
  const std::string detail = "the limit is " + std::to_string(most) + " bytes";
  if (most >= wanted || ::geteuid() == 0) return {Verdict::good, what, detail, {}};
  return {Verdict::note, what, detail + ", less than the " + std::to_string(wanted) + " asked for",
          "for fast transfers: sysctl -w net.core." + name + "=" + std::to_string(wanted)};
}

Finding io_uring() {
  if (const Result<void> support = uring_support(); !support) {
    return {Verdict::good,
            "io_uring",
            std::string{support.error().detail()} + "; not needed, epoll is used",
            {}};
  }
  return {Verdict::good, "io_uring", "there; used only when asked for, epoll is the default", {}};
}

}  // namespace

std::vector<Finding> probe() {
  const Result<Exchange> ipv4 = exchange("127.0.0.1");
  const Result<Exchange> ipv6 = exchange("::1");
  std::vector<Finding> findings{kernel(), family("IPv4", ipv4), family("IPv6", ipv6)};
  if (ipv4 || ipv6) {
    add_offloads(findings, ipv4 ? *ipv4 : *ipv6);
  } else {
    findings.push_back({Verdict::bad, "UDP", "no datagram gets through, not even over loopback",
                        "the sandbox or a firewall forbids UDP sockets"});
  }
  findings.push_back(buffer("rmem_max", "receive buffer"));
  findings.push_back(buffer("wmem_max", "send buffer"));
  findings.push_back(io_uring());
  return findings;
}

}  // namespace quoin::inline v0::io
