# SPDX-License-Identifier: MIT
"""The path MTU that is found on real sockets, on loopback interfaces of a network namespace of the tests' own."""

import os
import re
import shutil
import subprocess
import sys

from harness import Skipped, case, check, check_equal, main

INSIDE = "QUOIN_TEST_NAMESPACE"
# So long a download that probes are answered, or given up, before its end.
SIZE = 150_000_000
# What a datagram has without probing (RFC 9000 §14): 1200 bytes, with IPv4's and UDP's headers.
SMALLEST = 1228


def set_mtu(mtu):
    if INSIDE not in os.environ:
        raise Skipped("this machine allows no network namespaces")
    subprocess.run(["ip", "link", "set", "lo", "mtu", str(mtu), "up"], check=True)


def path_mtu(world, mtu):
    set_mtu(mtu)
    with open(world.write("file", b"the first bytes"), "ab") as file:
        file.truncate(SIZE)
    server = world.server()
    result = world.client("--insecure", "--timing", "-o", world.path("out"), f"https://127.0.0.1:{server.port}/file")
    result.must(0, "path MTU")
    check_equal(world.path("out").stat().st_size, SIZE, "size")
    return int(re.search(r"path MTU (\d+)", result.err)[1])


@case("larger datagrams than the smallest are found on narrow paths, and none that do not fit")
def _(world):
    found = path_mtu(world, 1280)
    check(SMALLEST < found <= 1280, f"path MTU {found} on a path of 1280")
    check_equal(path_mtu(world, 1400), 1400, "path MTU")


@case("Ethernet's path MTU is found exactly")
def _(world):
    check_equal(path_mtu(world, 1500), 1500, "path MTU")


@case("no path MTU beyond Ethernet's is looked for")
def _(world):
    check_equal(path_mtu(world, 9000), 1500, "path MTU")


if INSIDE not in os.environ and shutil.which("unshare") and shutil.which("ip"):
    command = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*command, "ip", "link", "set", "lo", "up"], stderr=subprocess.DEVNULL).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp(command[0], [*command, sys.executable, *sys.argv])
main()
