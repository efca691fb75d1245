# SPDX-License-Identifier: MIT
"""Scenarios with many small answers, and those with nothing but handshakes."""

from peers import H2load
from programs import PORT, Failure
from scenario import Figure, Scenario, plural

ANSWER = 1024
STREAMS = 100

FIGURES = [Figure("rate", "1000/s", True, 1), Figure("server_cpu", "server CPU us", False, 2),
           Figure("client_cpu", "client CPU us", False, 2)]
LATENCY = [Figure("p50", "p50 us", False, 0), Figure("p99", "p99 us", False, 0)]


def load_command(bench, contestant, connections, streams, seconds):
    address = bench.network.address
    if contestant[1] == "h2load":
        return H2load.command(f"https://{address}:{PORT}/small", connections, streams, seconds)
    return bench.programs.load(address, "/small", connections, streams, seconds)


def loaded(contestant, run):
    """What a load program told."""
    out = run["outputs"][0]
    if contestant[1] == "h2load":
        out = H2load.parse(out["text"])
    elif "text" in out:
        raise Failure(f"{contestant}: the load program printed something unknown: {out['text'][-600:]}")
    if out["failed"] or not out["measured"]:
        raise Failure(f"{contestant}: requests failed: {out}")
    # h2load also counts what arrived of answers that were not complete at the end.
    excess = out["bytes"] - out["measured"] * ANSWER
    if excess < 0 or (excess > 0 and contestant[1] != "h2load"):
        raise Failure(f"{contestant}: the load program got something else than {ANSWER} bytes an answer: {out}")
    return out


def load_figures(run, out):
    return {"rate": out["measured"] / out["seconds"] / 1000, "server_cpu": run["server_cpu"] * 1e6 / out["measured"],
            "client_cpu": run["client_cpu"] * 1e6 / out["measured"], "p50": out.get("p50_us"), "p99": out.get("p99_us")}


def requests(connections, seconds):
    def commands(bench, contestant):
        return [load_command(bench, contestant, connections, STREAMS, seconds)]

    def evaluate(_bench, contestant, run):
        return load_figures(run, loaded(contestant, run))

    return Scenario(
        f"requests{connections}", f"1 KiB requests, {plural(connections, 'connection')}, {STREAMS} streams each",
        [("raw", "load"), ("quoin", "load"), ("handler", "load"), ("nginx", "h2load"), ("caddy", "load")], FIGURES + LATENCY, commands,
        evaluate)


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


def handshakes(seconds, parallel=16):
    def commands(bench, _contestant):
        return [bench.programs.handshakes(bench.network.address, parallel, seconds)]

    def evaluate(_bench, contestant, run):
        out = run["outputs"][0]
        if out.get("failed", 1):
            raise Failure(f"{contestant}: handshakes failed: {out}")
        return {"rate": out["measured"] / out["seconds"], "server_cpu": run["server_cpu"] * 1e6 / out["measured"],
                "client_cpu": run["client_cpu"] * 1e6 / out["measured"]}

    return Scenario(
        "handshakes", f"Full handshakes, ECDSA P-256, {parallel} at a time",
        [("raw", "load"), ("quoin", "load")],
        [Figure("rate", "per second", True, 0), Figure("server_cpu", "server CPU us", False, 0),
         Figure("client_cpu", "client CPU us", False, 0)],
        commands, evaluate)


def all_scenarios(quick):
    seconds, count = (1.0, 20_000) if quick else (3.0, 100_000)
    return [requests(1, seconds), requests(10, seconds), requests_by_raw(1, count), requests_by_raw(10, count // 5),
            handshakes(seconds)]
