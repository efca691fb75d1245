# SPDX-License-Identifier: MIT
"""What is measured: each scenario makes runs with its contestants and turns them into figures."""

from programs import Failure

GIB = 1 << 30
WIRE_MTU = 1500


class Figure:
    """A column: what it is called, whether more is better, and how it is printed."""

    def __init__(self, key, title, more_is_better, digits):
        self.key, self.title, self.more_is_better, self.digits = key, title, more_is_better, digits


class Scenario:
    """Contestants are (server, client) pairs; the first one is what the others are compared with."""

    def __init__(self, key, title, contestants, figures, commands, evaluate):
        self.key, self.title, self.contestants, self.figures = key, title, contestants, figures
        self.commands, self.evaluate = commands, evaluate

    def sample(self, bench, contestant):
        server, client = contestant
        raw = bench.run(server, self.commands(bench, client))
        return {**self.evaluate(bench, contestant, raw), "noisy": raw["noisy"],
                "disturbance": raw["disturbance"], "slowdown": raw["slowdown"]}


def bulk():
    def commands(bench, client):
        return [bench.programs.download(client, bench.network.address, "/bulk")]

    def evaluate(bench, contestant, run):
        size = bench.programs.files.bulk_size
        client, server = run["client_udp"], run["server_udp"]
        if client["bytes_received"] < size:
            raise Failure(f"{contestant}: only {client['bytes_received']} bytes arrived, of {size}")
        received = client["bytes_received"] / max(1, client["received"])
        if bench.network.is_fair and contestant[1] == "raw" and received < 2 * WIRE_MTU:
            raise Failure(f"the raw client gets {received:.0f} bytes a call: it was built without receive offload "
                          "(GRO), so the comparison would not be fair. Delete its build and try again")
        return {"gbit": size * 8 / run["seconds"] / 1e9, "server_cpu": run["server_cpu"] * GIB / size,
                "client_cpu": run["client_cpu"] * GIB / size, "received": received / 1000,
                "sent": server["bytes_sent"] / max(1, server["sent"]) / 1000, "overflows": client["overflows"]}

    return Scenario(
        "bulk", "Bulk download, one stream",
        [("raw", "raw"), ("quoin", "quoin"), ("quoin", "raw"), ("raw", "quoin")],
        [Figure("gbit", "Gbit/s", True, 2), Figure("server_cpu", "server CPU s/GiB", False, 3),
         Figure("client_cpu", "client CPU s/GiB", False, 3), Figure("sent", "kB a send", None, 1),
         Figure("received", "kB a receive", None, 1)],
        commands, evaluate)


def requests(connections, seconds):
    def commands(bench, _client):
        return [bench.programs.load(bench.network.address, "/small", connections, 100, seconds)]

    def evaluate(_bench, contestant, run):
        out = run["outputs"][0]
        if not out or out["bytes"] != out["measured"] * 1024:
            raise Failure(f"{contestant}: the load program got something else than 1 KiB an answer: {out}")
        return {"rate": out["measured"] / out["seconds"] / 1000, "server_cpu": run["server_cpu"] * 1e6 / out["answered"],
                "client_cpu": run["client_cpu"] * 1e6 / out["answered"], "p50": out["p50_us"], "p99": out["p99_us"]}

    plural = "s" if connections > 1 else ""
    return Scenario(
        f"requests{connections}", f"1 KiB requests, {connections} connection{plural}, 100 streams each",
        [("raw", "load"), ("quoin", "load")],
        [Figure("rate", "1000/s", True, 1), Figure("server_cpu", "server CPU us", False, 2),
         Figure("client_cpu", "client CPU us", False, 2), Figure("p50", "p50 us", False, 0),
         Figure("p99", "p99 us", False, 0)],
        commands, evaluate)


def requests_by_raw(connections, count):
    """The same asked by the raw client, which costs less than quoin's: servers come nearer to their limit."""

    def commands(bench, _client):
        return [bench.programs.raw_requests(bench.network.address, "/small", count) for _ in range(connections)]

    def evaluate(_bench, contestant, run):
        total = count * connections
        if run["client_udp"]["bytes_received"] < total * 1024:
            raise Failure(f"{contestant}: {run['client_udp']['bytes_received']} bytes are too few for {total} answers")
        return {"rate": total / run["seconds"] / 1000, "server_cpu": run["server_cpu"] * 1e6 / total,
                "client_cpu": run["client_cpu"] * 1e6 / total}

    plural = "s" if connections > 1 else ""
    return Scenario(
        f"rawrequests{connections}", f"1 KiB requests by the raw client, {connections} connection{plural}, 100 streams each",
        [("raw", "raw"), ("quoin", "raw")],
        [Figure("rate", "1000/s", True, 1), Figure("server_cpu", "server CPU us", False, 2),
         Figure("client_cpu", "client CPU us", False, 2)],
        commands, evaluate)


def handshakes(seconds, parallel=16):
    def commands(bench, _client):
        return [bench.programs.handshakes(bench.network.address, parallel, seconds)]

    def evaluate(_bench, contestant, run):
        out = run["outputs"][0]
        if not out or out["failed"]:
            raise Failure(f"{contestant}: handshakes failed: {out}")
        return {"rate": out["measured"] / out["seconds"], "server_cpu": run["server_cpu"] * 1e6 / out["answered"],
                "client_cpu": run["client_cpu"] * 1e6 / out["answered"]}

    return Scenario(
        "handshakes", f"Full handshakes, ECDSA P-256, {parallel} at a time",
        [("raw", "load"), ("quoin", "load")],
        [Figure("rate", "per second", True, 0), Figure("server_cpu", "server CPU us", False, 0),
         Figure("client_cpu", "client CPU us", False, 0)],
        commands, evaluate)


def all_scenarios(quick):
    seconds, count = (1.0, 20_000) if quick else (3.0, 100_000)
    return [bulk(), requests(1, seconds), requests(10, seconds), requests_by_raw(1, count),
            requests_by_raw(10, count // 5), handshakes(seconds)]
