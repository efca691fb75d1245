# SPDX-License-Identifier: MIT
"""Transfers that break off: a server that vanishes, a full disk, signals. Nothing looks complete then."""

import os
import re
import resource
import signal
import subprocess

from harness import Failed, case, check, check_equal, left_in, main, wait_until

LARGE = 8 << 30


def large_file(world):
    """So large that no transfer of it ends by itself; it takes no room."""
    path = world.www / "large"
    with path.open("wb") as file:
        file.truncate(LARGE)


def url(server, path="large"):
    return f"https://localhost:{server.port}/{path}"


def begin(world, server, *arguments, **more):
    """A client that is in the middle of a transfer to a file."""
    got = world.path("got")
    got.mkdir(exist_ok=True)
    command = [world.program("quoin-client"), "--insecure", "--output-dir", got, *arguments, url(server)]
    client = world.spawn(command, **more)

    def under_way():
        if client.process.poll() is not None:
            raise Failed(f"it ended with {client.process.returncode}: {client.err}")
        return any(path.stat().st_size > 1_000_000 for path in got.iterdir())

    wait_until(under_way, 20, "the transfer to be under way")
    return client, got


@case("while a transfer is under way its file has a temporary name in the same folder")
def _(world):
    large_file(world)
    client, got = begin(world, world.server())
    names = left_in(got)
    check(len(names) == 1 and re.fullmatch(r"\.large\.[0-9a-f]{16}\.part", names[0]), str(names))
    client.end()


@case("a server that is killed in the middle leaves no file, and --max-time still counts")
def _(world):
    large_file(world)
    server = world.server()
    client, got = begin(world, server, "--max-time", "4")
    server.signal(signal.SIGKILL)
    check_equal(client.wait(), 28, "exit code")
    check("given up" in client.err and "bytes of the body had arrived" in client.err, client.err)
    check_equal(left_in(got), [], "files left behind")


@case("a server that is stopped at once breaks the transfer off, and the client says so")
def _(world):
    large_file(world)
    server = world.server()
    client, got = begin(world, server)
    server.signal(signal.SIGTERM)
    server.signal(signal.SIGINT)
    code = client.wait()
    check(code in (18, 56, 95, 96), f"exit code {code}: {client.err}")
    check("large" in client.err, client.err)
    check_equal(left_in(got), [], "files left behind")


@case("signals end the client, and the unfinished file goes")
def _(world):
    large_file(world)
    server = world.server("-v")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        client, got = begin(world, server)
        client.signal(number)
        check_equal(client.wait(5), 128 + number, "exit code")
        check_equal(left_in(got), [], "files left behind")
    # The server has been told, so it need not wait for the connections to time out.
    wait_until(lambda: len(re.findall(r": over", server.err)) == 3, 5, "the server to hear of the end")


@case("a signal ends a client that is stuck in a full pipe")
def _(world):
    large_file(world)
    read_end, write_end = os.pipe()
    command = [world.program("quoin-client"), "--insecure", url(world.server())]
    client = world.spawn(command, stdout=write_end)
    os.close(write_end)
    check(os.read(read_end, 1000), "nothing came")
    client.signal(signal.SIGTERM)
    check_equal(client.wait(5), 128 + signal.SIGTERM, "exit code")
    os.close(read_end)


@case("a limit on file sizes is a write error that leaves nothing and keeps what was there")
def _(world):
    large_file(world)
    server = world.server()
    got = world.path("got")
    got.mkdir()
    (got / "large").write_bytes(b"before")

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000))

    result = world.client("--insecure", "--output-dir", got, url(server), limit=small_files)
    result.must(23, str(got / "large"), "File too large")
    check_equal(left_in(got), ["large"], "files")
    check_equal((got / "large").read_bytes(), b"before", "the file that was there")


@case("a full disk is a write error")
def _(world):
    world.write("small", b"x")
    large_file(world)
    server = world.server()
    for path in ("small", "large"):
        result = world.client("--insecure", "-o", "/dev/full", url(server, path))
        result.must(23, "/dev/full", "No space left", "make room")


@case("a reader that goes away is a write error, not a crash")
def _(world):
    large_file(world)
    client = f"{world.program('quoin-client')} --insecure {url(world.server())}"
    command = f"({client}; echo code $? >&2) | head -c 100 >/dev/null"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=30)
    said = done.stderr.decode()
    check("code 23" in said and "standard output" in said, said)


@case("SIGTERM lets the transfer under way finish, and takes no new ones")
def _(world):
    size = 100_000_000  # a moment even on a busy machine, within the 10 s that the server grants
    with (world.www / "large").open("wb") as file:
        file.truncate(size)
    server = world.server()
    client, got = begin(world, server)
    server.signal(signal.SIGTERM)
    check_equal(client.wait(), 0, f"the client's exit code; it said {client.err}")
    check_equal((got / "large").stat().st_size, size, "the size of what arrived")
    check_equal(server.wait(), 0, "the server's exit code")
    world.client("--insecure", "--connect-timeout", "2", url(server)).must(7)


@case("a second signal ends the server at once")
def _(world):
    large_file(world)
    server = world.server()
    begin(world, server)
    server.signal(signal.SIGTERM)
    server.signal(signal.SIGINT)
    # Both may be there before the first is looked at; then the lower number comes first.
    check(server.wait(5) in (128 + signal.SIGINT, 128 + signal.SIGTERM), f"it said {server.err}")


@case("a server with nothing to do ends at the first signal, whichever it is")
def _(world):
    for number in (signal.SIGTERM, signal.SIGINT):
        server = world.server()
        server.signal(number)
        check_equal(server.wait(5), 0, "exit code")


@case("a file that shrinks while it is served does not arrive as if it were whole")
def _(world):
    large_file(world)
    server = world.server()
    client, got = begin(world, server)
    os.truncate(world.www / "large", 0)
    code = client.wait()
    check(code in (18, 95), f"exit code {code}: {client.err}")
    check_equal(left_in(got), [], "files left behind")


main()
