# SPDX-License-Identifier: MIT
"""Sessions that quoin-client keeps in a file and resumes, and what it sends early with them."""

import os

from harness import case, check, check_equal, left_in, main


def visit(world, server, *arguments):
    return world.client(
        "--insecure", "-v", *arguments, "--session", world.path("sessions"), f"https://localhost:{server.port}/page"
    ).must(0)


def prepare(world, *arguments):
    world.write("page", b"a page")
    return world.server(*arguments)


@case("a session is kept in a file of the owner's and resumed by the next run")
def _(world):
    server = prepare(world)
    check("resumed" not in visit(world, server).err, "the first handshake cannot be a resumed one")
    check_equal(os.stat(world.path("sessions")).st_mode & 0o777, 0o600, "who may read the file")
    result = visit(world, server)
    check("resumed" in result.err, f"the session was not resumed: {result.err}")
    check_equal(result.out, b"a page", "the body")
    check("resumed" in visit(world, server).err, "the second run left no session for the third")
    check_equal(left_in(world.folder), ["sessions", "www"], "what is there afterwards")


@case("with --early-data a request goes with the first flight where the server allows it")
def _(world):
    server = prepare(world, "--early-data")
    visit(world, server)
    check(", early" in visit(world, server, "--early-data", "--timing").err, "nothing was sent early")
    check(", early" not in visit(world, server, "--timing").err, "it was sent early without being asked")
    server.stop()
    server = world.server()
    visit(world, server)
    check(", early" not in visit(world, server, "--early-data", "--timing").err, "the server allows nothing early")


@case("early data that a server does not take any more are sent again")
def _(world):
    server = prepare(world, "--early-data")
    visit(world, server)
    address = f"127.0.0.1:{server.port}"
    server.stop()
    world.server("--early-data", "--listen", address)
    result = visit(world, server, "--early-data", "--timing")
    check_equal(result.out, b"a page", "the body")
    check(", early" not in result.err, "it was not taken early")


@case("a session that belongs to other trust is not used")
def _(world):
    certificate, key = world.make_certificate()
    world.write("page", b"a page")
    server = world.server(identity=("--cert", certificate, "--key", key))
    visit(world, server)
    arguments = ("-v", "--session", world.path("sessions"), f"https://localhost:{server.port}/page")
    result = world.client("--ca", certificate, *arguments).must(0)
    check("resumed" not in result.err, "what somebody got who believes everybody was used")


@case("a file that has no sessions is refused and stays as it is")
def _(world):
    server = prepare(world)
    file = world.path("sessions")
    file.write_text("my diary")
    world.client("--insecure", "--session", file, f"https://localhost:{server.port}/page").must(
        26, "--session", str(file), "remove the file"
    )
    check_equal(file.read_text(), "my diary", "the file")
    folder = world.path("missing") / "sessions"
    world.client("--insecure", "--session", folder, f"https://localhost:{server.port}/page").must(
        23, "cannot write --session", "No such file"
    )


@case("--alt-svc goes to where the file says, comes back when nobody is there, and keeps what is true")
def _(world):
    certificate, key = world.make_certificate()
    world.write("page", b"a page")
    server = world.server(identity=("--cert", certificate, "--key", key))
    file = world.path("services")
    arguments = ("-v", "--ca", certificate, "--alt-svc", file)
    file.write_text(f'h2 localhost 9 h3 localhost {server.port} "20990101 00:00:00" 0 0\n')
    result = world.client(*arguments, "https://localhost:9/page").must(0)
    check_equal(result.out, b"a page", "the body")
    check(f"h1 localhost 9 h3 localhost {server.port} " in file.read_text(), file.read_text())
    file.write_text(f'h2 localhost {server.port} h3 localhost 9 "20990101 00:00:00" 0 0\n')
    world.client(*arguments, f"https://localhost:{server.port}/page").must(0, ":9 for")
    file.write_text("my diary")
    world.client(*arguments, f"https://localhost:{server.port}/page").must(26, "--alt-svc", "line 1", "remove the file")
    check_equal(file.read_text(), "my diary", "the file")


@case("--early-data without --session is refused")
def _(world):
    world.client("--early-data", "https://localhost/").must(2, "--session")


@case("keys are updated as often as --key-update says")
def _(world):
    body = os.urandom(1_000_000)
    world.write("page", body)
    server = world.server()
    result = visit(world, server, "--key-update", "100000")
    check(result.out == body, "the body is not what it was")
    world.client("--key-update", "0", "https://localhost/").must(2, "--key-update")


main()
