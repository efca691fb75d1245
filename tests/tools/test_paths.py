# SPDX-License-Identifier: MIT
"""What quoin-server shows of a folder, and that nothing outside of it can be had by any path."""

import os

from harness import case, check, main

SECRET = b"the secret outside of the root"

ESCAPES = (
    "../secret",
    "../../secret",
    "a/../../secret",
    "%2e%2e/secret",
    "%2E%2E%2Fsecret",
    "..%2fsecret",
    "a/..%2f..%2fsecret",
    "..%5csecret",
    "%252e%252e/secret",
    "....//secret",
    "./../secret",
    "//secret",
    "%2f..%2fsecret",
    "..%00/secret",
    "a%00/../../secret",
    "%c0%ae%c0%ae/secret",
    "..;/secret",
)


def prepare(world):
    world.path("secret").write_bytes(SECRET)
    world.write("a/page", b"a page")
    return world.server()


def fetch(world, server, path, *arguments):
    return world.client("--insecure", "-i", *arguments, f"https://localhost:{server.port}/{path}").must(0)


@case("no path leads out of the root, plain or encoded")
def _(world):
    server = prepare(world)
    absolute = str(world.path("secret"))
    for path in (*ESCAPES, absolute, "/" + absolute, "%2f" + absolute.replace("/", "%2f")):
        result = fetch(world, server, path)
        check(SECRET not in result.out, f"{path} led out of the root")
        check(result.text.startswith("HTTP/3 4"), f"{path}: {result.text.splitlines()[0]}")


@case("symbolic links that lead out of the root are not followed")
def _(world):
    server = prepare(world)
    outside = world.path("outside")
    outside.mkdir()
    (outside / "file").write_bytes(SECRET)
    os.symlink("../secret", world.www / "relative")
    os.symlink(world.path("secret"), world.www / "absolute")
    os.symlink(outside, world.www / "folder")
    os.symlink("folder", world.www / "twice")
    for path in ("relative", "absolute", "folder/file", "folder/", "twice/file"):
        result = fetch(world, server, path)
        check(SECRET not in result.out and b">file<" not in result.out, f"{path} led out of the root")
        check(result.text.startswith("HTTP/3 4"), f"{path}: {result.text.splitlines()[0]}")


@case("symbolic links within the root are followed")
def _(world):
    server = prepare(world)
    os.symlink("a/page", world.www / "link")
    check(fetch(world, server, "link").out.endswith(b"a page"), "the link was not followed")


@case("devices and pipes in the root are not opened")
def _(world):
    server = prepare(world)
    os.mkfifo(world.www / "pipe")
    result = fetch(world, server, "pipe", "--max-time", "5")
    check(result.text.startswith("HTTP/3 4"), result.text)


@case("a folder is shown as a page with its files, and no name can break the page")
def _(world):
    server = prepare(world)
    world.write('<script>alert("x")<\x2fscript>'.replace("/", "_"), b"")
    world.write("a b&c'd.txt", b"")
    page = fetch(world, server, "").text
    check("text/html" in page, page)
    check("<script>" not in page.split("\r\n\r\n", 1)[1], "a file name became markup")
    check("&lt;script&gt;" in page, page)
    check("a%20b%26c%27d.txt" in page or "a%20b&amp;c" in page, page)


@case("the index file stands for its folder")
def _(world):
    server = prepare(world)
    world.write("a/index.html", b"<p>index")
    check(fetch(world, server, "a/").out.endswith(b"<p>index"), "no index")


@case("a folder without its slash leads to the one with it")
def _(world):
    server = prepare(world)
    result = fetch(world, server, "a").text
    check(result.startswith("HTTP/3 3") and "location: " in result and "a/" in result, result)


@case("ranges and conditions are honoured")
def _(world):
    server = prepare(world)
    part = fetch(world, server, "a/page", "-H", "range: bytes=2-").text
    check(part.startswith("HTTP/3 206") and part.endswith("page"), part)
    check("content-range: bytes 2-5/6" in part, part)
    head = fetch(world, server, "a/page").text
    etag = next(line for line in head.split("\r\n") if line.startswith("etag: "))[len("etag: ") :]
    unchanged = fetch(world, server, "a/page", "-H", f"if-none-match: {etag}").text
    check(unchanged.startswith("HTTP/3 304"), unchanged)


main()
