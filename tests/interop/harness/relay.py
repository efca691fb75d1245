# SPDX-License-Identifier: MIT
"""A bad network in user space: a UDP relay between QUIC clients and one server.

It delays, limits, loses, corrupts, reorders, marks and rebinds as `Link` says, and keeps counts of what it
did, so that a test can prove that the trouble really happened. It knows nothing of QUIC and is no
measuring device: timing is good to about a millisecond.
"""

import dataclasses
import heapq
import itertools
import random
import select
import socket
import threading
import time

IP_RECVTOS = 13
IPV6_RECVTCLASS = 66
UDP_IP_OVERHEAD = 28
ECN_MASK, ECT0, CE = 0x3, 0x2, 0x3


@dataclasses.dataclass
class Link:
    """One path. The defaults are a perfect one; probabilities are of 1, times are seconds."""

    delay: float = 0.0  # each way
    rate: float = 0.0  # bits per second, 0 for no limit
    queue: int = 25  # datagrams that may wait for the rate
    loss: float = 0.0
    corruption: float = 0.0
    burst: int = 3  # most datagrams in a row that loss and corruption may hit
    reorder: float = 0.0  # share of datagrams that come `reorder_delay` late
    reorder_delay: float = 0.01
    mark_ce: float = 0.0  # share of ECN-capable datagrams that get "congestion experienced"
    blackhole: tuple[float, float] | None = None  # silent in the last A of every B seconds
    rebind: tuple[float, float] | None = None  # new client address after the first, then every second
    rebind_address: bool = False  # the host part changes too, not only the port
    max_payload: int = 65535  # bytes of UDP payload that pass
    seed: int = 1


# The links that the interop contract promises.
SLOW = {"delay": 0.015, "rate": 10e6}
LINKS = {
    "plain": Link(),
    "slow": Link(**SLOW),
    "longrtt": Link(delay=0.75, rate=10e6),
    "handshakeloss": Link(**SLOW, loss=0.30),
    "transferloss": Link(**SLOW, loss=0.02),
    "handshakecorruption": Link(**SLOW, corruption=0.30),
    "transfercorruption": Link(**SLOW, corruption=0.02),
    "blackhole": Link(**SLOW, blackhole=(2.0, 7.0)),
    "rebind-port": Link(**SLOW, rebind=(1.0, 5.0)),
    "rebind-addr": Link(**SLOW, rebind=(1.0, 5.0), rebind_address=True),
    "mtu": Link(**SLOW, max_payload=1252),
    "reorder": Link(**SLOW, reorder=0.05),
    "ecn": Link(**SLOW, mark_ce=0.02),
}


class Direction:
    """What happens to datagrams that travel one way: decides whether and when each arrives."""

    def __init__(self, link, dice, counts, name):
        self.link, self.dice, self.counts, self.name = link, dice, counts, name
        self.departures = []  # times at which queued datagrams leave, in order
        self.last_departure = 0.0
        self.harmed_in_a_row = 0

    def count(self, event):
        key = f"{self.name}.{event}"
        self.counts[key] = self.counts.get(key, 0) + 1

    def harm(self):
        """One draw for loss and corruption together, so that the burst cap holds for their sum."""
        if self.harmed_in_a_row < self.link.burst:
            draw = self.dice.random()
            if draw < self.link.loss + self.link.corruption:
                self.harmed_in_a_row += 1
                return "lost" if draw < self.link.loss else "corrupted"
        self.harmed_in_a_row = 0
        return None

    def admit(self, payload, tos, age, now):
        """Returns (arrival time, payload, tos), or None when the datagram never arrives."""
        link = self.link
        self.count("datagrams")
        if tos & ECN_MASK:
            self.count("ecn_capable")
        if len(payload) > link.max_payload:
            return self.count("too_big")
        # A period begins clear, so that the hole falls into the transfer and not the handshake.
        if link.blackhole and age % link.blackhole[1] >= link.blackhole[1] - link.blackhole[0]:
            return self.count("blackholed")
        departure = self.leave_queue(len(payload), now)
        if departure is None:
            return self.count("queue_full")
        harm = self.harm()
        if harm:
            self.count(harm)
        if harm == "lost":
            return None
        if harm == "corrupted":
            payload = self.corrupt(payload)
        if tos & ECN_MASK == ECT0 and self.dice.random() < link.mark_ce:
            self.count("marked_ce")
            tos |= CE
        arrival = departure + link.delay
        if self.dice.random() < link.reorder:
            self.count("reordered")
            arrival += link.reorder_delay
        return arrival, payload, tos

    def leave_queue(self, size, now):
        if not self.link.rate:
            return now
        self.departures = [time_ for time_ in self.departures if time_ > now]
        if len(self.departures) > self.link.queue:
            return None
        start = max(now, self.last_departure)
        self.last_departure = start + (size + UDP_IP_OVERHEAD) * 8 / self.link.rate
        self.departures.append(self.last_departure)
        return self.last_departure

    def corrupt(self, payload):
        damaged = bytearray(payload)
        if damaged:
            damaged[self.dice.randrange(len(damaged))] ^= self.dice.randrange(1, 256)
        return bytes(damaged)


def udp_socket(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, 4 << 20)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVTCLASS, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)
    sock.bind((host, port))
    return sock


def receive(sock):
    payload, ancillary, _, sender = sock.recvmsg(65535, 128)
    tos = 0
    for level, kind, data in ancillary:
        if (level, kind) in (
            (socket.IPPROTO_IP, socket.IP_TOS),
            (socket.IPPROTO_IPV6, socket.IPV6_TCLASS),
        ):
            tos = data[0]
    return payload, tos, sender


def send(sock, payload, tos, destination):
    if sock.family == socket.AF_INET6:
        ancillary = (socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos.to_bytes(4, "little"))
    else:
        ancillary = (socket.IPPROTO_IP, socket.IP_TOS, tos.to_bytes(4, "little"))
    try:
        sock.sendmsg([payload], [ancillary] if tos else [], 0, destination)
    except (BlockingIOError, ConnectionRefusedError):
        pass  # a full buffer or a peer that is gone: the network loses datagrams


class Flow:
    """One client as the server sees it: the sockets that stand for the client's address."""

    def __init__(self, client, now):
        self.client, self.born, self.next_rebind = client, now, None
        self.socket = None
        self.retired = []  # replaced by a rebinding; what still arrives there is dropped


class Relay:
    """Runs in a thread of its own between `start` and `stop`; also a context manager."""

    def __init__(self, link, server_host, server_port, on_datagram=lambda direction, payload: None):
        """`on_datagram` runs in the relay's thread for each datagram that arrives here, before any harm."""
        self.link, self.server = link, (server_host, server_port)
        self.on_datagram = on_datagram
        self.counts = {}
        dice = random.Random(link.seed)
        self.to_server = Direction(link, dice, self.counts, "to_server")
        self.to_client = Direction(link, dice, self.counts, "to_client")
        self.front = udp_socket(server_host, 0)
        self.port = self.front.getsockname()[1]
        self.flows = {}
        self.in_flight = []  # heap of (arrival, order, socket, payload, tos, destination)
        self.order = itertools.count()
        self.poller = select.epoll()
        self.readers = {}
        self.watch(self.front, self.from_client)
        self.wake_read, self.wake_write = socket.socketpair()
        self.running = True
        self.watch(self.wake_read, self.finish)
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        """Ends the relay after what is on its way, a last CONNECTION_CLOSE for example, has arrived."""
        self.wake_write.send(b"x")
        self.thread.join()
        self.poller.close()
        for flow in self.flows.values():
            for sock in [flow.socket, *flow.retired]:
                sock.close()
        for sock in (self.front, self.wake_read, self.wake_write):
            sock.close()

    def watch(self, sock, reader):
        self.readers[sock.fileno()] = (sock, reader)
        self.poller.register(sock.fileno(), select.EPOLLIN)

    def run(self):
        while self.running or self.in_flight:
            now = time.monotonic()
            self.deliver(now)
            self.rebind_due(now)
            if not self.running and not self.in_flight:
                return  # what was on its way has just arrived; nothing more would wake the poll
            for descriptor, _ in self.poller.poll(self.wait(now)):
                sock, reader = self.readers[descriptor]
                reader(sock, time.monotonic())

    def finish(self, sock, now):
        sock.recv(1)
        self.running = False
        # Datagrams that were sent before the end but not read yet are still to be relayed.
        self.from_client(self.front, now)

    def wait(self, now):
        deadlines = [flow.next_rebind for flow in self.flows.values() if flow.next_rebind]
        if self.in_flight:
            deadlines.append(self.in_flight[0][0])
        return max(0.0, min(deadlines) - now) if deadlines else None

    def deliver(self, now):
        while self.in_flight and self.in_flight[0][0] <= now:
            _, _, sock, payload, tos, destination = heapq.heappop(self.in_flight)
            send(sock, payload, tos, destination)

    def schedule(self, admitted, sock, destination):
        if admitted:
            arrival, payload, tos = admitted
            heapq.heappush(
                self.in_flight, (arrival, next(self.order), sock, payload, tos, destination)
            )

    def drain(self, sock):
        try:
            for _ in range(64):
                yield receive(sock)
        except (BlockingIOError, ConnectionRefusedError):
            return

    def from_client(self, sock, now):
        for payload, tos, sender in self.drain(sock):
            self.on_datagram("to_server", payload)
            flow = self.flows.get(sender)
            if flow is None:
                flow = self.flows[sender] = Flow(sender, now)
                if len(self.flows) > 1:
                    self.counts["moved"] = self.counts.get("moved", 0) + 1
                self.bind(flow)
                if self.link.rebind:
                    flow.next_rebind = now + self.link.rebind[0]
            admitted = self.to_server.admit(payload, tos, now - flow.born, now)
            # The sender address is chosen on arrival at the translator, as a NAT does it.
            self.schedule(admitted, flow.socket, self.server)

    def from_server(self, flow, sock, now):
        for payload, tos, _ in self.drain(sock):
            self.on_datagram("to_client", payload)
            if sock is flow.socket:
                admitted = self.to_client.admit(payload, tos, now - flow.born, now)
                self.schedule(admitted, self.front, flow.client)

    def bind(self, flow):
        host = self.server[0]
        if self.link.rebind_address and ":" not in host:
            host = f"127.0.0.{2 + len(flow.retired)}"
        flow.socket = udp_socket(host, 0)
        self.watch(flow.socket, lambda sock, now: self.from_server(flow, sock, now))

    def rebind_due(self, now):
        for flow in self.flows.values():
            if flow.next_rebind and flow.next_rebind <= now:
                flow.next_rebind += self.link.rebind[1]
                flow.retired.append(flow.socket)
                self.bind(flow)
                self.counts["rebound"] = self.counts.get("rebound", 0) + 1
