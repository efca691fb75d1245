# SPDX-License-Identifier: MIT
"""Scenarios with one large file."""

from programs import Failure
from scenario import GIB, IDEAL, Figure, Scenario

WIRE_MTU = 1500

FIGURES = [Figure("gbit", "Gbit/s", True, 2), Figure("server_cpu", "server CPU s/GiB", False, 3),
           Figure("client_cpu", "client CPU s/GiB", False, 3), Figure("sent", "kB a send", None, 1),
           Figure("received", "kB a receive", None, 1), Figure("server_calls", "server calls/GiB", False, 0),
           Figure("client_calls", "client calls/GiB", False, 0)]


def kilobytes_a_call(bytes_moved, calls):
    """None without calls: the counters are UDP's."""
    return bytes_moved / calls / 1000 if calls else None


def calls_per_gib(calls, size):
    return None if calls is None else calls * GIB / size


def check_offload(bench, run, side):
    """A raw program that was built without receive offload (GRO) is several times slower."""
    udp = run[f"{side}_udp"]
    a_call = udp["bytes_received"] / max(1, udp["received"])
    if bench.network.is_fair and a_call < 2 * WIRE_MTU:
        raise Failure(f"the raw {side} gets {a_call:.0f} bytes a call: it was built without receive offload "
                      "(GRO), so the comparison would not be fair. Delete its build and try again")


def transfer_figures(run, size, sender, receiver):
    sender, receiver = run[f"{sender}_udp"], run[f"{receiver}_udp"]
    return {"gbit": size * 8 / run["seconds"] / 1e9, "server_cpu": run["server_cpu"] * GIB / size,
            "client_cpu": run["client_cpu"] * GIB / size,
            "sent": kilobytes_a_call(sender["bytes_sent"], sender["sent"]),
            "received": kilobytes_a_call(receiver["bytes_received"], receiver["received"]),
            "server_calls": calls_per_gib(run["server_calls"], size),
            "client_calls": calls_per_gib(run["client_calls"], size), "overflows": receiver["overflows"]}


def download():
    def commands(bench, contestant):
        return [bench.programs.download(contestant[1], bench.network.address, "/bulk")]

    def evaluate(bench, contestant, run):
        size = bench.programs.files.bulk_size
        if run["client_udp"]["bytes_received"] < size:
            raise Failure(f"{contestant}: only {run['client_udp']['bytes_received']} bytes arrived, of {size}")
        if contestant[0] in ("raw", "quoin") and contestant[1] == "raw":
            check_offload(bench, run, "client")
        return transfer_figures(run, size, "server", "client")

    return Scenario(
        "bulk", "Bulk download, one stream",
        [("raw", "raw"), ("quoin", "quoin"), ("quoin", "raw"), ("raw", "quoin"), ("nginx", "curl h1"),
         ("nginx", "curl h2"), ("caddy", "raw"), IDEAL],
        FIGURES, commands, evaluate, counts_calls=True)


def upload():
    def commands(bench, contestant):
        return [bench.programs.upload(contestant[1], contestant[0], bench.network.address)]

    def evaluate(bench, contestant, run):
        size = bench.programs.files.bulk_size
        if run["server_udp"]["bytes_received"] < size:
            raise Failure(f"{contestant}: only {run['server_udp']['bytes_received']} bytes arrived, of {size}")
        if contestant[0] == "raw":
            check_offload(bench, run, "server")
        return transfer_figures(run, size, "client", "server")

    return Scenario(
        "upload", "Bulk upload, one stream, forgotten by the server",
        [("raw", "raw"), ("handler", "quoin"), ("handler", "raw"), ("raw", "quoin")], FIGURES, commands, evaluate,
        counts_calls=True)


def all_scenarios():
    return [download(), upload()]
