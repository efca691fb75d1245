# SPDX-License-Identifier: MIT
"""The cases: which files travel between which programs over which link, and what must be true then.

A case is named WHAT.CLIENT.SERVER. WHAT is one of SHAPES (straight over loopback) or of TRIALS (through
the relay; the names of the interop contract and a few more).
"""

import dataclasses
import os
import time

import browser
import certs
import clients
import mutual
import priorities
import relay
import servers
from packets import V1, V2, Watcher
from world import GIB, KIB, MIB, Failure, compare_folders, make_file, wait_until


@dataclasses.dataclass
class Job:
    what: str
    client: str
    server: str
    host: str = "127.0.0.1"
    seconds: int = 60
    server_process: object = None
    spki: str = ""  # of the server's key, when the server said it

    @property
    def testcase(self):
        """The name by which the interop contract knows this case."""
        if self.what not in TRIALS:
            return "transfer"
        return {"mtu": "transfer", "reorder": "transfer"}.get(self.what, self.what)

    @property
    def fresh_connections(self):
        return self.testcase in ("handshakeloss", "handshakecorruption")

    @property
    def comes_back(self):
        """The first file comes on one connection, the rest on a second one with the first one's session."""
        return self.testcase in ("resumption", "zerortt")

    @property
    def upload_folder(self):
        return {"nginx": "put/", "file_server": "upload/"}.get(self.server, "")


def large_files(job):
    if "aioquic" in (job.client, job.server):
        return {"five-mib": 5 * MIB}  # Python cannot do more in reasonable time
    if os.environ.get("QUOIN_INTEROP_LARGE") == "1" and job.what == "files":
        return {"hundred-mib": 100 * MIB, "gib": GIB}
    return {"hundred-mib": 100 * MIB}


def all_sizes(job):
    return {"empty": 0, "one-byte": 1, "one-mib": MIB, **large_files(job)}


def many(job):
    count = 500 if "aioquic" in (job.client, job.server) else 5000
    return {f"small-{number}": KIB for number in range(count)}


SHAPES = {"files": all_sizes, "many": many, "upload": all_sizes, "uploadmany": many}
PAGES = {"page": browser.check_page, "hints": browser.check_hints, "chat": clients.check_chat, "echo": clients.check_echo,
         "alternative": clients.check_alternative, "hosts": clients.check_hosts, "mutual": mutual.check,
         "datagrams": clients.check_datagrams, "priorities": priorities.check,
         "room": browser.check_room}


def files(*sizes):
    return lambda job: {f"file-{number}": size for number, size in enumerate(sizes)}


# Sizes fit the 10 Mbit/s of the links: about a MiB a second.
TRIALS = {
    "handshake": files(KIB),
    "transfer": files(MIB, MIB // 2, MIB // 4),
    "multiplexing": files(*[32] * 1999),
    "longrtt": files(100 * KIB),
    "chacha20": files(MIB),
    "http3": files(5 * KIB, 10 * KIB, 500 * KIB),
    "ipv6": files(5 * KIB, 10 * KIB),
    "handshakeloss": files(*[KIB] * 8),
    "transferloss": files(2 * MIB),
    "handshakecorruption": files(*[KIB] * 8),
    "transfercorruption": files(2 * MIB),
    "goodput": files(6 * MIB),
    "retry": files(KIB, 100 * KIB),
    "blackhole": files(8 * MIB),
    "amplificationlimit": files(5 * KIB),
    "ecn": files(2 * MIB),
    "rebind-port": files(8 * MIB),
    "rebind-addr": files(8 * MIB),
    "connectionmigration": files(4 * MIB),
    "resumption": files(5 * KIB, 10 * KIB),
    "zerortt": files(*[32] * 40),
    "keyupdate": files(3 * MIB),
    "v2": files(KIB),
    "mtu": files(MIB),
    "reorder": files(2 * MIB),
}
LINK_OF = {"amplificationlimit": "slow", "handshake": "slow", "transfer": "slow"}

# Counters of the relay that must not be zero: proof that the trouble did happen.
TROUBLE = {
    "handshakeloss": ["to_server.lost", "to_client.lost"],
    "transferloss": ["to_client.lost"],
    "handshakecorruption": ["to_server.corrupted", "to_client.corrupted"],
    "transfercorruption": ["to_client.corrupted"],
    "blackhole": ["to_client.blackholed"],
    "rebind-port": ["rebound"],
    "rebind-addr": ["rebound"],
    "connectionmigration": ["moved"],
    "mtu": ["to_client.too_big"],
    "reorder": ["to_client.reordered"],
    "ecn": ["to_client.marked_ce"],
}


def parse(name):
    what, client, server = name.split(".")
    job = Job(what, client, server)
    if what not in SHAPES and what not in TRIALS and what not in PAGES:
        raise Failure(f"no case is called {what}")
    if what == "ipv6":
        job.host = "::1"
    if what in PAGES:
        return job
    known = clients.UPLOAD if what.startswith("upload") else clients.FETCH
    if client not in known or server not in servers.SERVERS:
        raise Failure(f"no client or server of the name in {name}")
    return job


def run(world, job):
    certs.make(world.certs, chain_length=8 if job.what == "amplificationlimit" else 1)
    if job.what == "mutual":
        mutual.make_visitors(world.certs)
    if job.what in PAGES:
        PAGES[job.what](world, job, servers.SERVERS[job.server](world, job))
    elif job.what in TRIALS:
        run_trial(world, job)
    else:
        run_shape(world, job)
    check_shutdown(job)


def make_files(world, sizes):
    for name, size in sizes.items():
        make_file(world.www / name, size)
    return list(sizes)


def run_shape(world, job):
    names = make_files(world, SHAPES[job.what](job))
    port = servers.SERVERS[job.server](world, job)
    start = time.monotonic()
    if job.what.startswith("upload"):
        clients.UPLOAD[job.client](world, job, port, names)
        received = world.uploads
    else:
        clients.FETCH[job.client](world, job, port, names)
        received = world.downloads
    print(f"{len(names)} files in {time.monotonic() - start:.2f} s")
    # gtlsserver swallows bodies; all it can prove is that the exchange ends well.
    if not (job.what.startswith("upload") and job.server == "gtlsserver"):
        compare_folders(world.www, received, names)


def run_trial(world, job):
    names = make_files(world, TRIALS[job.what](job))
    port = servers.SERVERS[job.server](world, job)
    link = relay.LINKS.get(LINK_OF.get(job.what, job.what), relay.LINKS["slow"])
    watcher = Watcher()
    with relay.Relay(link, job.host, port, watcher.on_datagram) as path:
        start = time.monotonic()
        clients.FETCH[job.client](world, job, path.port, names)
        elapsed = time.monotonic() - start
    print(f"{len(names)} files in {elapsed:.2f} s; relay {path.counts}")
    compare_folders(world.www, world.downloads, names)
    for counter in TROUBLE.get(job.what, []):
        if not path.counts.get(counter):
            raise Failure(f"the relay never counted {counter}: this run proves nothing")
    check_proof(world, job, watcher, elapsed)


def check_proof(world, job, watcher, elapsed):
    """What the case promises beyond files that arrived."""
    if job.what == "retry" and not watcher.retries:
        raise Failure("the server sent no Retry")
    if job.what == "amplificationlimit" and not 1 < watcher.amplification <= 3:
        raise Failure(f"{watcher.amplification:.2f} bytes went out for each byte that came in")
    if job.what == "goodput":
        size = sum(TRIALS["goodput"](job).values())
        share = size * 8 / elapsed / relay.SLOW["rate"]
        print(f"{share:.0%} of the link's rate")
        if share < 0.75:
            raise Failure(f"only {share:.0%} of the link's rate was used")
    if (job.what == "zerortt") != bool(watcher.early):
        raise Failure(f"{watcher.early} datagrams from the client had early data")
    if job.what == "v2" and watcher.versions != {V1, V2}:
        raise Failure(f"long headers were of the versions {watcher.versions}")
    if job.what == "keyupdate" and job.server == "gtlsserver":
        if "key update confirmed" not in job.server_process.output():
            raise Failure("the server saw no key update")
    if job.what == "chacha20" and job.server == "gtlsserver":
        if "CHACHA20" not in job.server_process.output():
            raise Failure("the server did not negotiate ChaCha20")
    if job.what == "ecn":
        check_ecn(world, job)
    if job.server == "endpoint":
        check_traces(world, job, "server")
    if job.client == "endpoint":
        check_traces(world, job, "client")


def check_ecn(world, job):
    """The sender of the data must have read CE counts out of acknowledgements."""
    if job.server != "endpoint":
        return
    traces = [path.read_text() for path in world.folder("server-qlog").iterdir()]
    if not any('"ce":' in trace for trace in traces):
        raise Failure("no acknowledgement in the server's qlog carries ECN counts")


def check_traces(world, job, role):
    """One qlog file a connection and the TLS secrets, as the contract asks for."""
    traces = list(world.folder(f"{role}-qlog").iterdir())
    connections = len(TRIALS[job.what](job)) if job.fresh_connections else 1 + job.comes_back
    if role == "client" and len(traces) != connections:
        raise Failure(f"the client left {len(traces)} qlog files for {connections} connections")
    if role == "server" and len(traces) < connections:
        raise Failure(f"the server left {len(traces)} qlog files for {connections} connections")
    keys = world.root / f"{role}-keys.log"
    if not keys.is_file() or "_TRAFFIC_SECRET_0 " not in keys.read_text():
        raise Failure(f"the {role} logged no TLS secrets")


def check_shutdown(job):
    """SIGTERM must end our servers, and not as a crash would."""
    if job.server not in ("quoin", "endpoint"):
        return
    wait_until(job.server_process.is_running, 0, "the server to be still there")
    status = job.server_process.stop()
    if status != 0:
        raise Failure(f"{job.server_process.name} ended with status {status} on SIGTERM")
