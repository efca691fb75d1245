# SPDX-License-Identifier: MIT
"""--io: every backend transfers, and a refused io_uring is told and replaced."""

import ctypes
import errno
import struct

from harness import Skipped, case, check, check_equal, main

SYS_IO_URING_SETUP = 425
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def refuse_io_uring():
    """As a sandbox does it, in the child before it becomes the tool."""

    def rule(code, yes, no, value):
        return struct.pack("HBBI", code, yes, no, value)

    refuse, allow = 0x00050000 | errno.EPERM, 0x7FFF0000
    rules = rule(0x20, 0, 0, 0) + rule(0x15, 0, 1, SYS_IO_URING_SETUP) + rule(0x06, 0, 0, refuse) + rule(0x06, 0, 0, allow)
    buffer = ctypes.create_string_buffer(rules)
    program = struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer))
    library = ctypes.CDLL(None)
    library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    library.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)


def transfer(world, server_io, client_io, limit=None):
    body = bytes(range(256)) * 8192
    world.write("file", body)
    server = world.server("-v", "--io", server_io)
    url = f"https://127.0.0.1:{server.port}/file"
    result = world.client("-v", "--insecure", "--io", client_io, url, limit=limit).must(0)
    check(result.out == body, "the file arrived changed")
    return server, result


@case("each way of sending and receiving gets on with each other")
def _(world):
    for server_io, client_io in (("auto", "epoll"), ("io_uring", "epoll"), ("epoll", "io_uring"), ("io_uring", "io_uring")):
        server, result = transfer(world, server_io, client_io)
        used = result.err[result.err.index("* io: ") :].splitlines()[0]
        if client_io == "io_uring" and "using epoll" in result.err:
            raise Skipped(result.err.splitlines()[0])
        check(used.startswith(f"* io: {client_io} "), f"--io {client_io} used {used!r}")
        server.stop()


@case("the default is epoll")
def _(world):
    _server, result = transfer(world, "auto", "auto")
    check("* io: epoll on Linux" in result.err, result.err)


@case("where io_uring is refused epoll is used, and a line says why")
def _(world):
    _server, result = transfer(world, "epoll", "io_uring", limit=refuse_io_uring)
    if "* io: io_uring" in result.err:
        raise Skipped("no seccomp filters here")
    check("quoin-client: --io io_uring: " in result.err, result.err)
    check("a sandbox" in result.err and "using epoll" in result.err, result.err)


@case("a backend that does not exist is an error that names those that do")
def _(world):
    result = world.client("--io", "kqueue", "https://localhost/").must(2, "kqueue", "auto, epoll or io_uring")
    check_equal(result.out, b"", "what it printed")


main()
