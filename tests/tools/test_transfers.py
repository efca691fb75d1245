# SPDX-License-Identifier: MIT
"""Transfers that succeed, through all the options of both tools, compared byte for byte."""

import os
import pathlib
import re
import signal
import subprocess

from harness import Failed, case, check, check_equal, left_in, main, wait_until

INSECURE = "--insecure"


def url(server, path=""):
    return f"https://localhost:{server.port}/{path}"


@case("files of all sizes arrive byte for byte")
def _(world):
    server = world.server()
    for size in (0, 1, 1199, 65536, 1 << 20, 20_000_001):
        content = os.urandom(size)
        world.write("file", content)
        result = world.client(INSECURE, url(server, "file")).must(0)
        check(result.out == content, f"{size} bytes differ")
        world.client(INSECURE, "-o", world.path("got"), url(server, "file")).must(0)
        check(world.path("got").read_bytes() == content, f"{size} bytes differ in the file")


@case("many files come over one connection, several at a time")
def _(world):
    files = {f"f{i:03}": os.urandom(i * 37 % 5000) for i in range(300)}
    for name, content in files.items():
        world.write(name, content)
    server = world.server("-v")
    got = world.path("got")
    got.mkdir()
    world.client(
        INSECURE, "--parallel", "50", "--output-dir", got, *(url(server, name) for name in files)
    ).must(0)
    check_equal(left_in(got), sorted(files), "file names")
    for name, content in files.items():
        check((got / name).read_bytes() == content, f"{name} differs")
    server.stop()
    check_equal(len(re.findall(r"^connection \d+: over", server.err, re.M)), 1, "connections")
    check_equal(server.out.count("HTTP/3\" 200 "), 300, "lines in the access log")


@case("--fresh-connections makes a connection for each URL")
def _(world):
    world.write("file", b"x")
    server = world.server("-v")
    result = world.client(INSECURE, "--fresh-connections", *([url(server, "file")] * 4)).must(0)
    check_equal(result.out, b"xxxx", "the bodies")
    server.stop()
    check_equal(len(re.findall(r"^connection \d+: over", server.err, re.M)), 4, "connections")


@case("bodies on standard output come in the order of the URLs, even in parallel")
def _(world):
    world.write("one", b"1" * 300_000)
    world.write("two", b"2" * 10)
    server = world.server()
    result = world.client(INSECURE, "--parallel", "9", url(server, "one"), url(server, "two")).must(0)
    check(result.out == b"1" * 300_000 + b"2" * 10, "the bodies are mixed")


@case("-O names the file by the URL and -o several by their order")
def _(world):
    world.write("a b.txt", b"spaces")
    server = world.server()
    got = world.path("got")
    got.mkdir()
    world.client(INSECURE, "-O", url(server, "a%20b.txt?x=/../y"), cwd=got).must(0)
    world.client(INSECURE, "-o", "one", "-o", "-", url(server, "a%20b.txt"), url(server, ""), cwd=got).must(0)
    check_equal(left_in(got), ["a%20b.txt", "one"], "files")


@case("a name in a URL cannot lead out of the output folder")
def _(world):
    world.write("x", b"")
    server = world.server()
    got = world.path("got")
    got.mkdir()
    world.client(INSECURE, "--output-dir", got, url(server, "..%2f..%2fescaped")).must(0)
    check_equal(left_in(got), ["..%2f..%2fescaped"], "files")
    check(not world.path("escaped").exists(), "the file escaped")


@case("-i and -I show the headers, -I without a body")
def _(world):
    world.write("page.html", b"<p>hello")
    server = world.server()
    included = world.client(INSECURE, "-i", url(server, "page.html")).must(0).text
    check(included.startswith("HTTP/3 200\r\n"), included)
    check(included.endswith("\r\n\r\n<p>hello"), included)
    check("content-type: text/html" in included, included)
    head = world.client(INSECURE, "-I", url(server, "page.html")).must(0).text
    check(head.endswith("\r\n\r\n") and "content-length: 8" in head, head)


@case("--fail turns a status of 400 and more into an exit code and writes nothing")
def _(world):
    server = world.server()
    without = world.client(INSECURE, url(server, "none")).must(0)
    check(b"404" in without.out or without.out, "the server's page is missing")
    got = world.path("got")
    result = world.client(INSECURE, "--fail", "-o", got, url(server, "none")).must(22, "404", "none")
    check_equal(result.out, b"", "standard output")
    check(not got.exists(), "a file was written")


@case("the first failure decides on the exit code, and the other URLs are fetched")
def _(world):
    world.write("good", b"good")
    server = world.server()
    result = world.client(INSECURE, "--fail", url(server, "bad"), url(server, "good")).must(22)
    check_equal(result.out, b"good", "the good one")


@case("methods and data that a folder does not take are answered, not broken off")
def _(world):
    world.write("file", b"x")
    server = world.server()
    result = world.client(INSECURE, "-i", "-d", "some data", url(server, "file")).must(0)
    check(result.text.startswith("HTTP/3 405"), result.text)
    check("allow: " in result.text, result.text)


@case("--resolve leads to another address while the name stays")
def _(world):
    world.write("file", b"x")
    certificate, key = world.make_certificate(names=("DNS:far.example",))
    server = world.server(identity=("--cert", certificate, "--key", key))
    pinned = f"far.example:{server.port}:127.0.0.1"
    world.client("--ca", certificate, "--resolve", pinned, f"https://far.example:{server.port}/file").must(0)


@case("--timing tells times, size, rate, protocol and path MTU")
def _(world):
    world.write("file", b"x" * 5_000_000)
    server = world.server()
    result = world.client(INSECURE, "--timing", "-o", "/dev/null", url(server, "file")).must(0)
    line = re.search(
        r"^timing: https://localhost:\d+/file connect [\d.]+ ms, first byte [\d.]+ ms, "
        r"total [\d.]+ ms, 5000000 bytes, [\d.]+ [KMG]?i?B/s, protocol h3, "
        r"path MTU (\d+) \(UDP payload (\d+)\)$",
        result.err,
        re.M,
    )
    check(line, result.err)
    check(int(line.group(2)) >= 1200, "the UDP payload is too small")


@case("both tools honour SSLKEYLOGFILE and write the same secrets")
def _(world):
    world.write("file", b"x")
    logs = [world.path("server.keys"), world.path("client.keys")]
    server = world.server(SSLKEYLOGFILE=str(logs[0]))
    world.client(INSECURE, url(server, "file"), SSLKEYLOGFILE=str(logs[1])).must(0)
    server.stop()
    lines = [set(log.read_text().splitlines()) for log in logs]
    check(any(line.startswith("CLIENT_TRAFFIC_SECRET_0 ") for line in lines[0]), str(lines[0]))
    check_equal(lines[0], lines[1], "the key logs")
    check_equal([log.stat().st_mode & 0o777 for log in logs], [0o600, 0o600], "modes")


@case("qlog files are written by both")
def _(world):
    world.write("file", b"x")
    folders = [world.path("server-qlog"), world.path("client-qlog")]
    for folder in folders:
        folder.mkdir()
    server = world.server("--qlog", folders[0])
    world.client(INSECURE, "--qlog", folders[1], url(server, "file")).must(0)
    server.stop()
    for folder in folders:
        check(len(left_in(folder)) == 1, f"{folder} has {left_in(folder)}")


@case("Retry, other congestion controllers, no path-MTU search and small datagrams all work")
def _(world):
    content = os.urandom(3_000_000)
    world.write("file", content)
    for arguments in (["--retry"], ["--cc", "reno"], ["--cc", "bbr"], ["--no-pmtud"], ["--max-udp-payload", "1250"]):
        server = world.server(*arguments)
        result = world.client(INSECURE, "--timing", url(server, "file")).must(0)
        check(result.out == content, f"{arguments}: the file differs")


@case("the server tells its certificate's hashes when it is self-signed")
def _(world):
    out = world.server().out
    check(re.search(r"^certificate sha256: [0-9a-f]{64}$", out, re.M), out)
    check(re.search(r"^spki sha256: [A-Za-z0-9+/]{43}=$", out, re.M), out)


@case("an IPv6 server is reached by its address")
def _(world):
    world.write("file", b"six")
    server = world.peer("quoin-server", "--listen", "[::1]:0", "--root", world.www, "--self-signed")
    result = world.client(INSECURE, f"https://[::1]:{server.port}/file").must(0)
    check_equal(result.out, b"six", "the file")


@case("a name with addresses of both families reaches a server that has only one")
def _(world):
    world.write("file", b"x")
    server = world.server()
    result = world.client(INSECURE, url(server, "file")).must(0)
    check(result.seconds < 3, f"it took {result.seconds} s")


@case("the access log has a line for each request, and --quiet none")
def _(world):
    world.write("file", b"12345")
    server = world.server()
    world.client(INSECURE, "-H", 'user-agent: a"b', url(server, "file?q=1")).must(0)
    line = wait_until(lambda: re.search(r".* HTTP/3.*", server.out), 5, "a line in the log").group(0)
    expected = r'127\.0\.0\.1 - - \[.* \+0000\] "GET /file\?q=1 HTTP/3" 200 5 "-" "a\\"b" [\d.]+ms'
    check(re.fullmatch(expected, line), line)
    quiet = world.server("-q")
    world.client(INSECURE, url(quiet, "file")).must(0)
    quiet.stop()
    check("HTTP/3" not in quiet.out, quiet.out)


@case("a slow reader of standard output gets everything")
def _(world):
    world.write("file", os.urandom(3_000_000))
    server = world.server()
    # A pause longer than the transfer would take: the pipe is full meanwhile.
    command = f"{world.program('quoin-client')} {INSECURE} {url(server, 'file')} 2>/dev/null | (sleep 1; sha256sum)"
    found = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=60).stdout.split()[0]
    expected = subprocess.run(["sha256sum", world.www / "file"], capture_output=True, check=True).stdout.split()[0]
    check_equal(found, expected, "sha256")


@case("SIGUSR1 shows statistics and the server goes on")
def _(world):
    world.write("file", b"x")
    server = world.server()
    world.client(INSECURE, url(server, "file")).must(0)
    server.signal(signal.SIGUSR1)
    wait_until(lambda: "stateless answers" in server.err, 5, "the statistics")
    check(re.search(r"requests +\d+ now, 1 received", server.err), server.err)
    world.client(INSECURE, url(server, "file")).must(0)


@case("several workers serve as one, and their figures are added up")
def _(world):
    content = os.urandom(300_000)
    world.write("file", content)
    server = world.server("-v", "--workers", "3")
    for _ in range(12):
        check(world.client(INSECURE, url(server, "file")).must(0).out == content, "the file differs")
    server.signal(signal.SIGUSR1)
    wait_until(lambda: re.search(r"12 answered whole", server.err), 10, "figures of all workers")
    server.stop()
    check_equal(len(re.findall(r"^worker [012]: connection \d+: over", server.err, re.M)), 12, "connections")
    check_equal(server.out.count("HTTP/3\" 200 "), 12, "lines in the access log")


@case("the pages of the tools show what --help says")
def _(world):
    if not world.options.docs_dir:
        raise Failed("--docs-dir is missing")
    for tool in ("quoin-server", "quoin-client", "quoin-perf"):
        page = (pathlib.Path(world.options.docs_dir) / f"{tool}.md").read_text()
        shown = re.search(r"<!-- help -->\n```text\n(.*?)```\n<!-- /help -->", page, re.S)
        check(shown, f"{tool}.md has no help")
        said = world.run([world.program(tool), "--help"]).must(0).text
        check_equal(shown.group(1), said, f"the help in docs/tools/{tool}.md (run update_help.py)")


main()
