# SPDX-License-Identifier: MIT
"""Scenarios about connections alone: how fast they are made, and what an idle one costs."""

import os

from arithmetic import per_connection
from programs import Failure
from scenario import Figure, Scenario, plural

PARALLEL = 16


def handshakes(key, title, mode, seconds, servers):
    def commands(bench, _contestant):
        return [bench.programs.handshakes(mode, bench.network.address, PARALLEL, seconds)]

    def evaluate(_bench, contestant, run):
        out = run["outputs"][0]
        if out.get("failed", 1):
            raise Failure(f"{contestant}: handshakes failed: {out}")
        return {"rate": out["measured"] / out["seconds"], "server_cpu": run["server_cpu"] * 1e6 / out["measured"],
                "client_cpu": run["client_cpu"] * 1e6 / out["measured"]}

    return Scenario(
        key, f"{title}, {PARALLEL} at a time", [(server, "load") for server in servers],
        [Figure("rate", "per second", True, 0), Figure("server_cpu", "server CPU us", False, 0),
         Figure("client_cpu", "client CPU us", False, 0)],
        commands, evaluate)


class IdleMemory(Scenario):
    """What the server's memory grows by, divided by the connections: before any request."""

    def __init__(self, count):
        super().__init__("memory", f"Memory of the server for each of {count} idle connections",
                         [("raw", "idle"), ("quoin", "idle")], [Figure("memory", "KiB a connection", False, 1)],
                         None, None)
        self.count = count

    def sample(self, bench, contestant):
        before, after = bench.memory(contestant[0], bench.programs.idle(bench.network.address, self.count))
        return self.with_noise({"memory": per_connection(before, after, self.count) / 1024},
                               {"noisy": False, "disturbance": 0, "slowdown": 0})


def all_scenarios(quick):
    seconds = 1.0 if quick else 3.0
    cores = os.cpu_count() or 1
    spread = [f"spread {workers}" for workers in (1, 2, 4, 8) if workers <= cores]
    return [handshakes("handshakes", "Full handshakes, ECDSA P-256", "full", seconds, ["raw", "quoin"]),
            handshakes("resumptions", "Resumed handshakes", "resumed", seconds, ["raw", "quoin"]),
            handshakes("scaling", f"Full handshakes, RSA with 4096 bits, workers on {plural(cores, 'core')}", "full",
                       seconds, spread),
            IdleMemory(200 if quick else 2000)]
