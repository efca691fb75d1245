# SPDX-License-Identifier: MIT
"""quoin-client changes its local address in the middle of a transfer, on real sockets."""

import hashlib
import os

from harness import case, check, check_equal, main

# So long a download that a new path is validated before its end on any machine.
SIZE = 60_000_000


def download(world, *arguments):
    data = os.urandom(SIZE)
    world.write("file", data)
    server = world.server()
    result = world.client("--insecure", "-v", "-o", world.path("out"), *arguments, f"https://127.0.0.1:{server.port}/file")
    return data, result


def check_received(world, data):
    received = world.path("out").read_bytes()
    check_equal(hashlib.sha256(received).hexdigest(), hashlib.sha256(data).hexdigest(), "the file")


@case("a download goes on when the client moves to another loopback address, at once or later")
def _(world):
    for after in ("0", "30"):
        data, result = download(world, "--migrate-to", "127.0.0.2", "--migrate-after", after)
        result.must(0, "trying the path 127.0.0.2:", "moved to the path 127.0.0.2:")
        check_equal(result.err.count("* connected to"), 1, "handshakes")
        check_received(world, data)


@case("0.0.0.0 is another port of the address in use")
def _(world):
    data, result = download(world, "--migrate-to", "0.0.0.0", "--migrate-after", "30")
    result.must(0, "moved to the path 127.0.0.1:")
    check_received(world, data)


@case("an address of another machine is told, and the download goes on where it is")
def _(world):
    data, result = download(world, "--migrate-to", "192.0.2.77")
    result.must(45, "--migrate-to", "192.0.2.77")
    check_received(world, data)


@case("an address of the other family is no use, and that is told")
def _(world):
    data, result = download(world, "--migrate-to", "::1")
    result.must(45, "not the same family")
    check("moved to" not in result.err, result.err)
    check_received(world, data)


@case("what is no address is refused with an example")
def _(world):
    for arguments in (("--migrate-to", "wlan0"), ("--migrate-after", "5")):
        result = world.client(*arguments, "https://localhost:1/")
        result.must(2, "--migrate-to")
    world.client("--migrate-to", "wlan0", "https://localhost:1/").must(2, "wlan0", "192.0.2.7")


main()
