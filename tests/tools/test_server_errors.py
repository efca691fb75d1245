# SPDX-License-Identifier: MIT
"""What quoin-server says when it cannot start: which input, why, what to do, and an exit code."""

import os
import socket

from harness import case, check, check_equal, main


def must_fail(world, code, arguments, *parts, **environment):
    result = world.failing_server(*arguments, **environment).must(code, "quoin-server: ", *parts)
    check_equal(result.out, b"", "standard output")


def start(world, *more):
    return ["--listen", "127.0.0.1:0", "--root", world.www, *more]


@case("a certificate that is not there is named")
def _(world):
    _, key = world.make_certificate("a")
    missing = world.path("none.pem")
    must_fail(world, 3, start(world, "--cert", missing, "--key", key), "none.pem")


@case("a key that is not there is named")
def _(world):
    certificate, _ = world.make_certificate("a")
    missing = world.path("none.key")
    must_fail(world, 3, start(world, "--cert", certificate, "--key", missing), "none.key")


@case("a key that cannot be read is named")
def _(world):
    certificate, key = world.make_certificate("a")
    if os.geteuid() == 0:
        # Root reads everything but folders.
        key.unlink()
        key.mkdir()
    else:
        key.chmod(0)
    must_fail(world, 3, start(world, "--cert", certificate, "--key", key), "a.key")


@case("a file that holds no certificate is named")
def _(world):
    _, key = world.make_certificate("a")
    garbage = world.path("garbage.pem")
    garbage.write_bytes(b"no certificate at all\n")
    must_fail(world, 3, start(world, "--cert", garbage, "--key", key), "garbage.pem")


@case("an empty key file is named")
def _(world):
    certificate, _ = world.make_certificate("a")
    empty = world.path("empty.key")
    empty.write_bytes(b"")
    must_fail(world, 3, start(world, "--cert", certificate, "--key", empty), "empty.key")


@case("a key that belongs to another certificate is refused with both names")
def _(world):
    certificate, _ = world.make_certificate("a")
    _, key = world.make_certificate("b")
    must_fail(world, 3, start(world, "--cert", certificate, "--key", key), "a.pem", "b.key")


@case("a UDP port that is in use is named, with what to do")
def _(world):
    server = world.server()
    address = f"127.0.0.1:{server.port}"
    arguments = ["--listen", address, "--root", world.www, "--self-signed"]
    must_fail(world, 5, arguments, address, "another program", "--listen")


@case("a UDP port that another kind of program has is in use as well")
def _(world):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{other.getsockname()[1]}"
        arguments = ["--listen", address, "--root", world.www, "--self-signed"]
        must_fail(world, 5, arguments, address, "another program")


@case("an address that this machine does not have is named")
def _(world):
    arguments = ["--listen", "192.0.2.1:4433", "--root", world.www, "--self-signed"]
    must_fail(world, 5, arguments, "192.0.2.1:4433", "does not have this address")


@case("a listening address that is none is named")
def _(world):
    arguments = ["--listen", "example.org:4433", "--root", world.www, "--self-signed"]
    must_fail(world, 2, arguments, "example.org:4433", "127.0.0.1:4433")


@case("a root that is a file is named")
def _(world):
    page = world.write("page", b"x")
    must_fail(world, 4, ["--root", page, "--self-signed"], "--root", str(page), "not a directory")


@case("a root that is not there is named")
def _(world):
    must_fail(world, 4, ["--root", world.path("none"), "--self-signed"], "none", "does not exist")


@case("a folder for qlog files that is not there is named")
def _(world):
    must_fail(world, 4, start(world, "--self-signed", "--qlog", world.path("none")), "--qlog", "none")


@case("an unknown flag is named")
def _(world):
    must_fail(world, 2, start(world, "--self-signed", "--frobnicate"), "--frobnicate", "--help")


@case("an identity must be given")
def _(world):
    must_fail(world, 2, start(world), "--cert", "--self-signed")


@case("a certificate without its key is refused")
def _(world):
    certificate, _ = world.make_certificate("a")
    must_fail(world, 2, start(world, "--cert", certificate), "--key")


@case("an unknown congestion controller is named with those there are")
def _(world):
    must_fail(world, 2, start(world, "--self-signed", "--cc", "vegas"), "vegas", "cubic, reno or bbr")


@case("an unknown cipher suite is named")
def _(world):
    must_fail(world, 2, start(world, "--self-signed", "--ciphers", "ROT13"), "--ciphers", "ROT13")


@case("a key log that cannot be written is named")
def _(world):
    log = world.path("none/keys")
    result = world.failing_server(*start(world, "--self-signed"), SSLKEYLOGFILE=str(log))
    check(result.code != 0, "it started")
    check(str(log) in result.err and "SSLKEYLOGFILE" in result.err, f"it said: {result.err}")


@case("help and version end well and say so on standard output")
def _(world):
    for flag in ("--help", "--version"):
        result = world.failing_server(flag).must(0)
        check("quoin-server" in result.text, f"{flag} said {result.text}")


main()
