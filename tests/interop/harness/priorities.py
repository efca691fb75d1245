# SPDX-License-Identifier: MIT
"""Responses on one slow link, of which what is urgent comes first, whenever it was asked for (RFC 9218)."""

import dataclasses
import pathlib

import relay
from world import KIB, MIB, Failure, make_file

HERE = pathlib.Path(__file__).parent


def aioquic(world, job, port):
    command = [world.peer("aioquic-python"), HERE / "priorities_peer.py", "--host", job.host, "--port", str(port)]
    output = world.run("priorities-client", [*command, "--certificate", world.certs / "ca.pem"], job.seconds)
    return output.split("order ")[1].split()


def curl(world, job, port):
    """By the field alone, and all requests at the same time."""
    command = [world.peer("curl"), "-q", "--silent", "--show-error", "--parallel"]
    wishes = {"log": "u=7", "video": "u=3", "picture": "u=2", "banner": "u=1", "style": "u=0"}
    for name, priority in wishes.items():
        command += ["--http3-only", "--fail", "--cacert", world.certs / "ca.pem", "--header", f"priority: {priority}"]
        command += ["--resolve", f"localhost:{port}:{job.host}", "--write-out", f"{name} "]
        command += ["--output", world.downloads / name, f"https://localhost:{port}/{name}", "--next"]
    return world.run("curl", command[:-1], job.seconds).split()


# It loses nothing: what is lost is sent again a round trip later, and lets less urgent responses end first.
LINK = dataclasses.replace(relay.LINKS["slow"], queue=1000)

CLIENTS = {"aioquic": aioquic, "curl": curl}
# What curl lets one stream send at first is 128 KiB: while a longer response waits for more, the next one has its turn.
VIDEO = {"aioquic": 3 * MIB, "curl": 120 * KIB}


def check(world, job, port):
    for name in ("log", "picture", "style", "banner"):
        make_file(world.www / name, 50 * KIB)
    make_file(world.www / "video", VIDEO[job.client])
    with relay.Relay(LINK, job.host, port) as path:
        order = CLIENTS[job.client](world, job, path.port)
    if order != ["style", "banner", "picture", "video", "log"]:
        raise Failure(f"the responses ended in the order {' '.join(order)}, on a path that counted {path.counts}")
