# SPDX-License-Identifier: MIT
"""The path MTU that is found on real sockets, on loopback interfaces of a network namespace of the tests' own."""

import os
import re
import shutil
import subprocess
import sys
import time

from harness import Skipped, case, check_equal, main

INSIDE = "QUOIN_TEST_NAMESPACE"
SIZE = 150_000_000
HEADERS = 28  # of IPv4 and UDP


def set_mtu(mtu):
    if INSIDE not in os.environ:
        raise Skipped("this machine allows no network namespaces")
    subprocess.run(["ip", "link", "set", "lo", "mtu", str(mtu), "up"], check=True)


def path_mtu(world, mtu, awaited):
    """What a download ends with that is taken slowly until `awaited` was found: probes need their time."""
    set_mtu(mtu)
    with open(world.write("file", b"the first bytes"), "ab") as file:
        file.truncate(SIZE)
    server = world.server()
    reader, writer = os.pipe()
    url = f"https://127.0.0.1:{server.port}/file"
    client = world.spawn([world.program("quoin-client"), "--insecure", "--timing", "-v", url], stdout=writer)
    os.close(writer)
    taken = 0
    with open(reader, "rb", buffering=0) as body:
        while part := body.read(65536):
            taken += len(part)
            if f"datagrams of up to {awaited - HEADERS} bytes" not in client.err:
                time.sleep(0.005)
    check_equal(client.wait(), 0, "exit code")
    check_equal(taken, SIZE, "size")
    return int(re.search(r"path MTU (\d+)", client.err)[1])


@case("larger datagrams than the smallest are found on narrow paths, and none that do not fit")
def _(world):
    check_equal(path_mtu(world, 1280, awaited=1260), 1260, "path MTU")
    check_equal(path_mtu(world, 1400, awaited=1400), 1400, "path MTU")


@case("Ethernet's path MTU is found exactly")
def _(world):
    check_equal(path_mtu(world, 1500, awaited=1500), 1500, "path MTU")


@case("no path MTU beyond Ethernet's is looked for")
def _(world):
    check_equal(path_mtu(world, 9000, awaited=1500), 1500, "path MTU")


if INSIDE not in os.environ and shutil.which("unshare") and shutil.which("ip"):
    command = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*command, "ip", "link", "set", "lo", "up"], stderr=subprocess.DEVNULL).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp(command[0], [*command, sys.executable, *sys.argv])
main()
