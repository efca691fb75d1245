# SPDX-License-Identifier: MIT
"""Scenarios with many small answers."""

from peers import H2load
from programs import PORT, Failure
from scenario import Figure, Scenario, plural

ANSWER = 1024
STREAMS = 100

EVERYBODY = [("raw", "load"), ("quoin", "load"), ("handler", "load"), ("nginx", "h2load"), ("caddy", "load")]
FIGURES = [Figure("rate", "1000/s", True, 1), Figure("server_cpu", "server CPU us", False, 2),
           Figure("client_cpu", "client CPU us", False, 2)]
LATENCY = [Figure("p50", "p50 us", False, 0), Figure("p99", "p99 us", False, 0)]


def load_command(bench, contestant, connections, streams, seconds, rate=0, times=None):
    """`times`: the file that h2load tells the latencies in."""
    address = bench.network.address
    if contestant[1] == "h2load":
        return H2load.command(f"https://{address}:{PORT}/small", connections, streams, seconds, rate, times)
    return bench.programs.load(address, "/small", connections, streams, seconds, rate)


def loaded(contestant, run, times=None):
    """What a load program told."""
    out = run["outputs"][0]
    if contestant[1] == "h2load":
        out = H2load.parse(out["text"], times)
    elif "text" in out:
        raise Failure(f"{contestant}: the load program printed something unknown: {out['text'][-600:]}")
    if out["failed"] or not out["measured"]:
        raise Failure(f"{contestant}: requests failed: {out}")
    # h2load also counts what arrived in its warm-up.
    excess = out["bytes"] - out["measured"] * ANSWER
    if excess < 0 or (excess > 0 and contestant[1] != "h2load"):
        raise Failure(f"{contestant}: the load program got something else than {ANSWER} bytes an answer: {out}")
    return out


def load_figures(run, out):
    return {"rate": out["measured"] / out["seconds"] / 1000, "server_cpu": run["server_cpu"] * 1e6 / out["measured"],
            "client_cpu": run["client_cpu"] * 1e6 / out["measured"], "p50": out.get("p50_us"), "p99": out.get("p99_us")}


def steady_load(key, title, contestants, figures, connections, streams, seconds):
    """As many requests as are answered, with so many under way."""

    def commands(bench, contestant):
        return [load_command(bench, contestant, connections, streams, seconds)]

    def evaluate(_bench, contestant, run):
        return load_figures(run, loaded(contestant, run))

    return Scenario(key, title, contestants, figures, commands, evaluate)


def requests(connections, seconds):
    return steady_load(
        f"requests{connections}", f"1 KiB requests, {plural(connections, 'connection')}, {STREAMS} streams each",
        EVERYBODY, FIGURES + LATENCY, connections, STREAMS, seconds)


def requests_by_raw(connections, count):
    """The same asked by the raw client, which costs less than quoin's: servers come nearer to their limit."""

    def commands(bench, _contestant):
        return [bench.programs.raw_requests(bench.network.address, "/small", count) for _ in range(connections)]

    def evaluate(_bench, contestant, run):
        total = count * connections
        if run["client_udp"]["bytes_received"] < total * ANSWER:
            raise Failure(f"{contestant}: {run['client_udp']['bytes_received']} bytes are too few for {total} answers")
        return {"rate": total / run["seconds"] / 1000, "server_cpu": run["server_cpu"] * 1e6 / total,
                "client_cpu": run["client_cpu"] * 1e6 / total}

    return Scenario(
        f"rawrequests{connections}",
        f"1 KiB requests by the raw client, {plural(connections, 'connection')}, {STREAMS} streams each",
        [("raw", "raw"), ("quoin", "raw")], FIGURES, commands, evaluate)


def latency_alone(seconds):
    """One request at a time on one connection."""
    def commands(bench, contestant):
        return [load_command(bench, contestant, 1, 1, seconds, times=bench.folder / "times")]

    def evaluate(bench, contestant, run):
        return load_figures(run, loaded(contestant, run, bench.folder / "times"))

    return Scenario("latency1", "Latency of a lone 1 KiB request", EVERYBODY, LATENCY + FIGURES, commands, evaluate)


class LatencyUnderLoad(Scenario):
    """At a fixed rate, a share of what the same server and client can do at most, which is measured before."""

    SHARE, CONNECTIONS = 0.7, 10

    def __init__(self, seconds):
        super().__init__("latency70",
                         f"Latency of 1 KiB requests at 70 % of the capacity, {self.CONNECTIONS} connections",
                         EVERYBODY, LATENCY + FIGURES, None, None)
        self.seconds, self.capacity = seconds, {}

    def sample(self, bench, contestant):
        times = bench.folder / "times"
        if contestant not in self.capacity:
            out, _ = self._run(bench, contestant, 0, None)
            self.capacity[contestant] = out["measured"] / out["seconds"]
        out, run = self._run(bench, contestant, self.SHARE * self.capacity[contestant], times)
        return self.with_noise({**load_figures(run, out), "capacity": self.capacity[contestant] / 1000}, run)

    def _run(self, bench, contestant, rate, times):
        command = load_command(bench, contestant, self.CONNECTIONS, STREAMS, self.seconds, rate, times)
        run = bench.run(contestant[0], [command])
        return loaded(contestant, run, times), run


def many_connections(connections, seconds):
    streams = max(1, STREAMS // connections)
    return steady_load(
        f"connections{connections}",
        f"1 KiB requests, {plural(connections, 'connection')}, {plural(streams, 'stream')} each",
        [("raw", "load"), ("quoin", "load"), ("nginx", "h2load")], FIGURES, connections, streams, seconds)


def many_workers(workers, seconds):
    """What sharing connections out to threads costs: all of them have the server's one core."""
    connections = 10
    return steady_load(
        f"workers{workers}",
        f"1 KiB requests, {plural(workers, 'worker')} on one core, {plural(connections, 'connection')}, "
        f"{STREAMS} streams each",
        [("raw", "load"), ("quoin", "load"), (f"workers {workers}", "load")], FIGURES, connections, STREAMS,
        seconds)


def all_scenarios(quick):
    seconds, count = (1.0, 20_000) if quick else (3.0, 100_000)
    return [requests(1, seconds), requests(10, seconds), requests_by_raw(1, count), requests_by_raw(10, count // 5),
            latency_alone(seconds), LatencyUnderLoad(seconds)] + [
                many_connections(connections, seconds)
                for connections in ((1, 10, 100) if quick else (1, 10, 100, 1000, 10_000))] + [
                    many_workers(workers, seconds) for workers in ((1, 2) if quick else (1, 2, 4))]
