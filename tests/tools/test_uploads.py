# SPDX-License-Identifier: MIT
"""What quoin-client sends: files, data, standard input, to a server that keeps it."""

import gzip
import os
import re

from harness import Skipped, case, check, check_equal, left_in, main


class Uploads:
    """The server and what it received."""

    def __init__(self, world):
        certificate, key = world.make_certificate()
        self.folder = world.path("received")
        self.folder.mkdir()
        self.trust = ("--ca", certificate)
        self.server = world.peer("quoin_tools_upload_peer", certificate, key, self.folder)

    def url(self, path=""):
        return f"https://localhost:{self.server.port}/{path}"

    def received(self, name):
        return (self.folder / name).read_bytes()


@case("-T sends files of all sizes by PUT")
def _(world):
    uploads = Uploads(world)
    for size in (0, 1, 65536, 5_000_001):
        content = os.urandom(size)
        file = world.write("file", content)
        world.client(*uploads.trust, "--fail", "-T", file, uploads.url("file")).must(0)
        check(uploads.received("file") == content, f"{size} bytes differ")


@case("a URL that ends in a slash gets the names of the files")
def _(world):
    uploads = Uploads(world)
    files = [world.write(f"f{i}", os.urandom(1000 + i)) for i in range(60)]
    arguments = [part for file in files for part in ("-T", file)]
    world.client(*uploads.trust, "--fail", "--parallel", "20", *arguments, uploads.url()).must(0)
    check_equal(left_in(uploads.folder), sorted(file.name for file in files), "names")
    for file in files:
        check(uploads.received(file.name) == file.read_bytes(), f"{file.name} differs")


@case("-T - sends standard input, whose size nobody knows")
def _(world):
    uploads = Uploads(world)
    content = os.urandom(2_000_000)
    world.client(*uploads.trust, "--fail", "-T", "-", uploads.url("in"), stdin=content).must(0)
    check(uploads.received("in") == content, "standard input differs")


@case("-d sends text and the bytes of files, with the method that -X says")
def _(world):
    uploads = Uploads(world)
    file = world.write("data", b"from a file\r\n\0")
    world.client(
        *uploads.trust, "--fail", "-X", "PUT", "-d", "text", "-d", f"@{file}", uploads.url("d")
    ).must(0)
    check_equal(uploads.received("d"), b"text&from a file\r\n\0", "the data")


@case("-L follows redirects with the data, but no longer than --max-redirs says")
def _(world):
    uploads = Uploads(world)
    result = world.client(*uploads.trust, "-L", "-v", "-d", "text", uploads.url("to/x")).must(0)
    check_equal(result.out, b"4\n", "the reply")
    check_equal(uploads.received("x"), b"text", "the data")
    check("* redirected to " + uploads.url("x") in result.err, "-v does not tell of the redirect")
    result = world.client(*uploads.trust, "-L", "--max-redirs", "3", uploads.url("round")).must(47)
    check("more than 3 redirects" in result.err, result.err)
    result = world.client(*uploads.trust, "-L", uploads.url("plain")).must(47)
    check('"http://localhost/"' in result.err, result.err)
    file = world.write("file", b"content")
    world.client(*uploads.trust, "-L", "-T", file, uploads.url("to/x")).must(47)
    check_equal(world.client(*uploads.trust, uploads.url("plain")).must(0).out, b"moved\n", "without -L")


@case("--timing counts what was sent when nothing comes back")
def _(world):
    uploads = Uploads(world)
    file = world.write("file", b"x" * 12345)
    result = world.client(*uploads.trust, "--timing", "-T", file, "-o", "/dev/null", uploads.url("t"))
    check(re.search(r"total [\d.]+ ms, \d+ bytes", result.must(0).err), result.err)


@case("with --compressed a reply in gzip or br is written plain, and a broken one fails")
def _(world):
    if "QUOIN_WITHOUT_COMPRESSION" in os.environ:
        raise Skipped("the client was built without zlib and brotli")
    uploads = Uploads(world)
    page = b"a page that is a page, is a page"
    coded = {"gzip": gzip.compress(page), "br": bytes.fromhex("1b1f0000041c72a49fa7726869c9482dc894c055ee4a0d2c00")}
    for coding, content in coded.items():
        (uploads.folder / coding).write_bytes(content)
        (uploads.folder / "broken").write_bytes(content[:-3])
        url = uploads.url(f"coded/{coding}/{coding}")
        plain = world.client(*uploads.trust, "--compressed", "--fail", "-i", url).must(0)
        check(plain.out.endswith(b"\n" + page), f"{coding}: {plain.out!r}")
        check(b"content-encoding" not in plain.out, "the headers tell of a coding that is undone")
        world.client(*uploads.trust, "--fail", url).must(22, "406")
        out = world.path("out")
        broken = uploads.url(f"coded/{coding}/broken")
        failed = world.client(*uploads.trust, "--compressed", "-o", out, broken)
        check(failed.code != 0 and "the compressed reply is broken" in failed.err, f"{failed.code}: {failed.err}")
        check(not out.exists(), "a part of a file was left")


main()
