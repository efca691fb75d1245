# SPDX-License-Identifier: MIT
"""quoin-perf against itself: what it counts, and what it says when something is wrong."""

import json
import socket

from harness import Server, case, check, check_equal, closed_port, main


def perf_server(world, *identity):
    command = [world.program("quoin-perf"), "--serve", "--listen", "127.0.0.1:0"]
    server = Server(command + list(identity or ["--self-signed"]), world.environment())
    world.started.append(server)
    return server


def perf(world, *arguments):
    return world.run([world.program("quoin-perf"), *arguments])


@case("bytes both ways are counted, on as many streams and connections as were asked for")
def _(world):
    server = perf_server(world)
    result = perf(world, "--insecure", "--json", "--download", "3MiB", "--upload", "70kB", "--streams", "5",
                  "--connections", "2", f"127.0.0.1:{server.port}").must(0)
    figures = json.loads(result.text)
    check_equal(figures["transfers"], 10, "transfers")
    check_equal(figures["bytes_received"], 10 * 3 * 1024 * 1024, "bytes received")
    check_equal(figures["bytes_sent"], 10 * 70_000, "bytes sent")
    check(0 < figures["p50_us"] <= figures["p99_us"] <= figures["seconds"] * 1e6 + 1, f"times: {figures}")
    server.stop()


@case("more streams than the server allows at a time are done one after the other")
def _(world):
    echo = perf_server(world)
    result = perf(world, "--insecure", "--json", "--download", "1", "--streams", "2000",
                  f"127.0.0.1:{echo.port}").must(0)
    check_equal(json.loads(result.text)["transfers"], 2000, "transfers")


@case("--time goes on until then")
def _(world):
    server = perf_server(world)
    result = perf(world, "--insecure", "--json", "--download", "100", "--time", "0.3",
                  f"127.0.0.1:{server.port}").must(0)
    figures = json.loads(result.text)
    check(figures["transfers"] > 3, f"{figures}")
    check(0.2 < figures["seconds"] < 5, f"{figures}")


@case("a report for people has the sizes")
def _(world):
    server = perf_server(world)
    result = perf(world, "--insecure", "--download", "1MiB", f"localhost:{server.port}").must(0)
    check("1 transfers in " in result.text, result.text)
    check("received 1.0 MiB, " in result.text, result.text)


@case("the server is checked unless --insecure")
def _(world):
    certificate, key = world.make_certificate()
    server = perf_server(world, "--cert", str(certificate), "--key", str(key))
    target = f"127.0.0.1:{server.port}"
    perf(world, "--download", "1", target).must(1, target, "CERTIFICATE_UNTRUSTED")
    perf(world, "--ca", certificate, "--download", "1", target).must(0)
    perf(world, "--ca", certificate, "--server-name", "localhost", "--download", "1", target).must(0)
    perf(world, "--ca", certificate, "--server-name", "b.example", "--download", "1", target).must(
        1, "CERTIFICATE_NAME")


@case("mistakes are named")
def _(world):
    perf(world).must(2, "an address to connect to", "--serve")
    perf(world, "--serve").must(2, "--self-signed")
    perf(world, "--serve", "--self-signed", "127.0.0.1:1").must(2, "--listen")
    perf(world, "--insecure", "example").must(2, '"example"', "127.0.0.1:4433")
    perf(world, "--insecure", "--streams", "0", "127.0.0.1:1").must(2, "--streams")
    perf(world, "--insecure", "--cc", "vegas", "127.0.0.1:1").must(2, "vegas", "cubic")
    perf(world, "--ca", world.path("none"), "127.0.0.1:1").must(3, "none")
    perf(world, "--insecure", f"127.0.0.1:{closed_port()}").must(1, "ECONNREFUSED")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        perf(world, "--serve", "--self-signed", "--listen", address).must(4, address)


if __name__ == "__main__":
    main()
