# SPDX-License-Identifier: MIT
"""What quoin-client says when nothing can be fetched: bad input, no server, a server of another kind."""

import shutil
import subprocess

from harness import Skipped, case, check, check_equal, closed_port, left_in, main, silent_socket


@case("a URL that is not https is refused with the right one")
def _(world):
    result = world.client("http://localhost/x").must(1, "http://localhost/x", "https://localhost/x")
    check_equal(result.out, b"", "standard output")


@case("a malformed URL is named")
def _(world):
    world.client("localhost/x").must(3, "localhost/x", "https://HOST/PATH")
    world.client("https://localhost:0/x").must(3, "https://localhost:0/x")
    world.client("https://[::1/x").must(3, "https://[::1/x")


@case("all URLs are looked at before the first is fetched")
def _(world):
    with silent_socket() as quiet:
        url = f"https://127.0.0.1:{quiet.getsockname()[1]}/"
        result = world.client("--connect-timeout", "5", url, "ftp://localhost/").must(1, "ftp://")
        check(result.seconds < 4, f"it took {result.seconds} s")


@case("wrong options are named")
def _(world):
    url = "https://localhost/"
    world.client().must(2, "URL")
    world.client("--frobnicate", url).must(2, "--frobnicate", "--help")
    world.client("--max-time", "soon", url).must(2, "soon")
    world.client("--parallel", "none", url).must(2, "--parallel")
    world.client("--resolve", "localhost", url).must(2, "HOST:PORT:ADDR")
    world.client("--doctor", "--alt-svc", "services", url).must(2, "omit --alt-svc")
    world.client("--doctor", "--ws", url).must(2, "omit --ws")
    world.client("-H", "no colon", url).must(2, "no colon")
    world.client("--ciphers", "ROT13", url).must(2, "ROT13")
    world.client("-X", "G T", url).must(2, "G T")


@case("a host that does not resolve is named, with what to do")
def _(world):
    # Names are looked up in an empty network, so that no question leaves this machine.
    empty = ["unshare", "--net", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*empty, "true"], check=False).returncode != 0:
        raise Skipped("this machine allows no network namespaces")
    command = [*empty, world.program("quoin-client"), "https://nobody.invalid/x"]
    result = world.run(command).must(6, "nobody.invalid", "--resolve")
    check_equal(result.out, b"", "standard output")


@case("a closed UDP port is told at once")
def _(world):
    port = closed_port()
    result = world.client(f"https://127.0.0.1:{port}/").must(7, f"port {port}", "127.0.0.1", "nothing listens")
    check(result.seconds < 3, f"it took {result.seconds} s")


@case("a closed port of a host with several addresses is told at once")
def _(world):
    result = world.client(f"https://localhost:{closed_port()}/").must(7, "localhost")
    check(result.seconds < 3, f"it took {result.seconds} s")


@case("silence ends within --connect-timeout and the message says what may block the way")
def _(world):
    with silent_socket() as quiet:
        port = quiet.getsockname()[1]
        result = world.client("--connect-timeout", "1.5", f"https://127.0.0.1:{port}/x")
        result.must(7, f"https://127.0.0.1:{port}/x", "no answer", "UDP", "blocked", "--connect-timeout")
        check(1.3 < result.seconds < 4, f"it took {result.seconds} s instead of 1.5")


@case("silence ends within --max-time as well")
def _(world):
    with silent_socket() as quiet:
        result = world.client("--max-time", "1", f"https://127.0.0.1:{quiet.getsockname()[1]}/x")
        check(result.code in (7, 28), f"exit code {result.code}: {result.err}")
        check(0.8 < result.seconds < 4, f"it took {result.seconds} s instead of 1")


@case("more URLs of a host without an answer are left out and counted")
def _(world):
    with silent_socket() as quiet:
        url = f"https://127.0.0.1:{quiet.getsockname()[1]}/"
        result = world.client("--connect-timeout", "1", *(f"{url}{i}" for i in range(20)))
        result.must(7, "19 more", "skipped")
        check(result.seconds < 5, f"it took {result.seconds} s")


@case("a file to send that is not there is named and nothing is sent")
def _(world):
    result = world.client("-T", world.path("none"), "https://127.0.0.1:1/x")
    result.must(26, str(world.path("none")))
    world.client("-d", f"@{world.path('none')}", "https://127.0.0.1:1/x").must(26, "none")
    world.client("-T", world.www, "https://127.0.0.1:1/x").must(26, str(world.www))


@case("an output that cannot be written is named before anything is asked for")
def _(world):
    port = closed_port()
    result = world.client("-o", world.path("none/x"), f"https://127.0.0.1:{port}/x")
    result.must(23, str(world.path("none/x")), "folder does not exist")
    world.client("--output-dir", world.path("none"), f"https://127.0.0.1:{port}/x").must(23, "none")
    world.client("-o", world.www, f"https://127.0.0.1:{port}/x").must(23, str(world.www))


@case("a URL without a file name needs -o")
def _(world):
    world.client("-O", "https://127.0.0.1:1/a/").must(2, "https://127.0.0.1:1/a/", "-o FILE")
    world.client("-O", "https://127.0.0.1:1/a/..").must(2, "-o FILE")


@case("a peer that speaks QUIC but no h3 is told apart")
def _(world):
    certificate, key = world.make_certificate()
    peer = world.peer("quoin_tools_echo_peer", certificate, key).port
    world.client("--ca", certificate, f"https://localhost:{peer}/").must(35, f"localhost:{peer}", "h3")


@case("nothing is left in the folder of a transfer that failed")
def _(world):
    got = world.path("got")
    got.mkdir()
    world.client("--output-dir", got, f"https://127.0.0.1:{closed_port()}/x").must(7)
    check_equal(left_in(got), [], "files left behind")


@case("help and version end well and say so on standard output")
def _(world):
    for flag in ("--help", "--version"):
        result = world.client(flag).must(0)
        check("quoin-client" in result.text, f"{flag} said {result.text}")


main()
