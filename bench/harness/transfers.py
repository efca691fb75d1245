# SPDX-License-Identifier: MIT
"""Scenarios with one large file."""

from programs import Failure
from scenario import GIB, IDEAL, Figure, Scenario

WIRE_MTU = 1500

FIGURES = [Figure("gbit", "Gbit/s", True, 2), Figure("server_cpu", "server CPU s/GiB", False, 3),
           Figure("client_cpu", "client CPU s/GiB", False, 3), Figure("sent", "kB a send", None, 1),
           Figure("received", "kB a receive", None, 1)]


def kilobytes_a_call(bytes_moved, calls):
    """None without calls: the counters are UDP's."""
    return bytes_moved / calls / 1000 if calls else None


def check_offload(bench, contestant, run):
    """A raw client that was built without receive offload (GRO) is several times slower."""
    client = run["client_udp"]
    a_call = client["bytes_received"] / max(1, client["received"])
    if bench.network.is_fair and contestant[1] == "raw" and a_call < 2 * WIRE_MTU:
        raise Failure(f"the raw client gets {a_call:.0f} bytes a call: it was built without receive offload "
                      "(GRO), so the comparison would not be fair. Delete its build and try again")


def transfer_figures(run, size, sender, receiver):
    sender, receiver = run[f"{sender}_udp"], run[f"{receiver}_udp"]
    return {"gbit": size * 8 / run["seconds"] / 1e9, "server_cpu": run["server_cpu"] * GIB / size,
            "client_cpu": run["client_cpu"] * GIB / size,
            "sent": kilobytes_a_call(sender["bytes_sent"], sender["sent"]),
            "received": kilobytes_a_call(receiver["bytes_received"], receiver["received"]),
            "overflows": receiver["overflows"]}


def download():
    def commands(bench, contestant):
        return [bench.programs.download(contestant[1], bench.network.address, "/bulk")]

    def evaluate(bench, contestant, run):
        size = bench.programs.files.bulk_size
        if run["client_udp"]["bytes_received"] < size:
            raise Failure(f"{contestant}: only {run['client_udp']['bytes_received']} bytes arrived, of {size}")
        if contestant[0] in ("raw", "quoin"):
            check_offload(bench, contestant, run)
        return transfer_figures(run, size, "server", "client")

    return Scenario(
        "bulk", "Bulk download, one stream",
        [("raw", "raw"), ("quoin", "quoin"), ("quoin", "raw"), ("raw", "quoin"), ("nginx", "curl h1"),
         ("nginx", "curl h2"), ("caddy", "raw"), IDEAL],
        FIGURES, commands, evaluate)


def all_scenarios():
    return [download()]
