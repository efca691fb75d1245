# SPDX-License-Identifier: MIT
"""What quoin-client --doctor finds on this machine, and about servers that are well and that are not."""

from harness import case, check, check_equal, closed_port, main, silent_socket


def lines(result):
    """The verdict of each subject."""
    found = {}
    for line in result.text.splitlines():
        words = line.split()
        if words and words[0] in ("ok", "note", "BAD"):
            found[line[6:21].strip()] = words[0]
    return found


@case("this machine is described without any URL")
def _(world):
    result = world.client("--doctor").must(0)
    found = lines(result)
    for subject in ("kernel", "IPv4", "GSO", "GRO", "ECN", "DF", "receive buffer", "send buffer", "io_uring", "trust"):
        check(subject in found, f"nothing is said about {subject}: {result.text}")
    check_equal(found["DF"], "ok", "the DF flag on Linux")


@case("a server that is well is described, with its certificate and the path")
def _(world):
    pem, key = world.make_certificate()
    server = world.server(identity=("--cert", pem, "--key", key))
    url = f"https://localhost:{server.port}/"
    result = world.client("--doctor", "--ca", str(pem), "--resolve", f"localhost:{server.port}:127.0.0.1", url).must(0)
    found = lines(result)
    for subject in ("name", "over IPv4", "handshake", "protocol", "path MTU"):
        check_equal(found.get(subject), "ok", subject)
    check_equal(found.get("certificate"), "note", "a certificate that ends in two days")
    check("DNS:localhost" in result.text, "the certificate's names are missing")


@case("a certificate that nobody vouches for is bad, with what to do")
def _(world):
    server = world.server()
    result = world.client("--doctor", f"https://127.0.0.1:{server.port}/").must(97)
    check_equal(lines(result).get("over IPv4"), "BAD", "the verdict")
    check("--ca" in result.text, "the advice is missing")


@case("a closed port is bad at once, and silence when the time is up")
def _(world):
    result = world.client("--doctor", f"https://127.0.0.1:{closed_port()}/").must(97)
    check("nobody listens" in result.text, "the advice is missing")
    with silent_socket() as quiet:
        url = f"https://127.0.0.1:{quiet.getsockname()[1]}/"
        result = world.client("--doctor", "--connect-timeout", "0.3", url).must(97)
        check("allow UDP" in result.text, "the advice is missing")
        check(result.seconds < 5, f"it took {result.seconds} s")


@case("a URL that is none is bad, and named")
def _(world):
    result = world.client("--doctor", "http://localhost/").must(97)
    check("http://localhost/" in result.text and "https://" in result.text, result.text)


main()
