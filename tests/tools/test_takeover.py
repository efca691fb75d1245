# SPDX-License-Identifier: MIT
"""One quoin-server takes the sockets of another over while clients are at work."""

import hashlib
import os
import signal
import stat

from harness import case, check, check_equal, main, wait_until

SIZE = 150_000_000


def start(world, *arguments, root=None):
    return world.server("--takeover", world.path("meeting"), *arguments, root=root)


def fetch(world, server, name="who"):
    result = world.client("--insecure", f"https://127.0.0.1:{server.port}/{name}")
    return result.must(0).text


def begin_download(world, server):
    client = world.program("quoin-client")
    url = f"https://127.0.0.1:{server.port}/file"
    download = world.spawn([client, "--insecure", "-o", world.path("out"), url])
    begun = lambda: any(part.stat().st_size > 0 for part in world.folder.glob("*out*"))
    wait_until(begun, 20, "the download to begin")
    return download


def folder(world, name):
    path = world.path(name)
    path.mkdir()
    (path / "who").write_text(name)
    return path


@case("a download goes on over a restart, new requests are answered by the new server, and the old one ends")
def _(world):
    data = os.urandom(SIZE)
    old_root, new_root = folder(world, "old"), folder(world, "new")
    (old_root / "file").write_bytes(data)
    old = start(world, "--workers", "2", root=old_root)
    check_equal(fetch(world, old), "old", "the answer before")
    download = begin_download(world, old)
    download.signal(signal.SIGSTOP)
    new = start(world, root=new_root)
    check_equal(new.port, old.port, "the port")
    wait_until(lambda: "another server has taken over" in old.err, 20, "the old server to notice")
    check(download.process.poll() is None, "the download was over before the restart")
    download.signal(signal.SIGCONT)
    for _ in range(4):
        check_equal(fetch(world, new), "new", "the answer after")
    check_equal(download.wait(60), 0, "the download's exit code")
    check_equal(hashlib.sha256(world.path("out").read_bytes()).hexdigest(), hashlib.sha256(data).hexdigest(), "the file")
    check_equal(old.wait(), 0, "the old server's exit code")
    check_equal(fetch(world, new), "new", "the answer when the old server has ended")
    new.stop()


@case("the old server ends at its limit, whatever its clients do")
def _(world):
    world.write("file", os.urandom(SIZE))
    old = start(world, "--drain", "0")
    download = begin_download(world, old)
    download.signal(signal.SIGSTOP)
    new = start(world)
    check_equal(old.wait(5), 0, "the old server's exit code")
    download.signal(signal.SIGKILL)
    new.stop()


@case("a server that cannot start leaves the old one alone, and nobody else may ask")
def _(world):
    world.write("who", b"first")
    old = start(world)
    meeting = world.path("meeting")
    check_equal(stat.S_IMODE(meeting.stat().st_mode), 0o600, "the mode of the socket")
    world.failing_server("--takeover", str(meeting), "--root", str(world.path("nowhere")), "--self-signed").must(
        4, "--root"
    )
    check_equal(fetch(world, old), "first", "the answer")
    check(old.process.poll() is None, "the old server has ended")
    old.stop()


@case("a file in the way is told, and stays")
def _(world):
    world.path("meeting").write_text("precious")
    result = world.failing_server(
        "--takeover", str(world.path("meeting")), "--listen", "127.0.0.1:0", "--root", str(world.www), "--self-signed"
    )
    result.must(5, "--takeover", str(world.path("meeting")))
    check_equal(world.path("meeting").read_text(), "precious", "the file")


main()
