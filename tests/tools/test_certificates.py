# SPDX-License-Identifier: MIT
"""Whom quoin-client believes: certificates made with the openssl program, good ones and bad ones."""

import datetime
import re
import signal

from harness import case, check, check_equal, main, openssl, wait_until

AUTHORITY = """
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = anything
copy_extensions = copy
unique_subject = no
[anything]
commonName = supplied
"""

# BoringSSL prefers ChaCha20 where it believes that there is no AES in hardware.
NO_AES = {"OPENSSL_ia32cap": "~0x200000000000000"}


class Authority:
    """A certificate authority of this test."""

    def __init__(self, world):
        self.folder = world.path("authority")
        self.folder.mkdir()
        (self.folder / "ca.cnf").write_text(AUTHORITY)
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("01\n")
        self.certificate = self.folder / "ca.pem"
        openssl(
            *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(),
            *("-subj", "/CN=Test authority", "-keyout", "ca.key", "-out", "ca.pem"),
            cwd=self.folder,
        )

    def issue(self, names, first_day=-1, last_day=1):
        """A certificate for names, valid from one day to another, counted from today."""
        openssl(
            *"req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(),
            *("-subj", "/CN=localhost", "-keyout", "leaf.key", "-out", "leaf.csr"),
            *(("-addext", "subjectAltName=" + names) if names else ()),
            cwd=self.folder,
        )
        openssl(
            *"ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key".split(),
            *("-startdate", self._day(first_day), "-enddate", self._day(last_day)),
            *("-in", "leaf.csr", "-out", "leaf.pem", "-notext"),
            cwd=self.folder,
        )
        return ("--cert", self.folder / "leaf.pem", "--key", self.folder / "leaf.key")

    @staticmethod
    def _day(offset):
        moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)
        return moment.strftime("%Y%m%d%H%M%SZ")


def fetch(world, identity, host="localhost", arguments=()):
    world.write("page", b"the page")
    server = world.server(identity=identity)
    return world.client(*arguments, f"https://{host}:{server.port}/page")


@case("a certificate that a given authority issued for the host is believed")
def _(world):
    authority = Authority(world)
    result = fetch(world, authority.issue("DNS:localhost"), arguments=("--ca", authority.certificate))
    check_equal(result.must(0).out, b"the page", "the page")


@case("a certificate for an IP address is believed for that address")
def _(world):
    authority = Authority(world)
    identity = authority.issue("IP:127.0.0.1")
    fetch(world, identity, "127.0.0.1", ("--ca", authority.certificate)).must(0)


@case("a certificate for a host is not believed for an IP address")
def _(world):
    authority = Authority(world)
    identity = authority.issue("DNS:localhost")
    fetch(world, identity, "127.0.0.1", ("--ca", authority.certificate)).must(60, "127.0.0.1")


@case("a wildcard stands for one label")
def _(world):
    authority = Authority(world)
    identity = authority.issue("DNS:*.example.test")
    world.write("page", b"the page")
    port = world.server(identity=identity).port
    for host, code in (("a.example.test", 0), ("a.b.example.test", 60), ("example.test", 60)):
        pinned = ("--resolve", f"{host}:{port}:127.0.0.1", "--ca", authority.certificate)
        world.client(*pinned, f"https://{host}:{port}/page").must(code)


@case("a certificate for another name is refused, and the name it has is told")
def _(world):
    authority = Authority(world)
    identity = authority.issue("DNS:other.example")
    result = fetch(world, identity, arguments=("--ca", authority.certificate))
    result.must(60, "localhost", "other.example")
    check_equal(result.out, b"", "standard output")


@case("the common name does not count")
def _(world):
    authority = Authority(world)
    fetch(world, authority.issue(None), arguments=("--ca", authority.certificate)).must(60, "localhost")


@case("an expired certificate is refused as such")
def _(world):
    authority = Authority(world)
    identity = authority.issue("DNS:localhost", -3, -1)
    fetch(world, identity, arguments=("--ca", authority.certificate)).must(60, "out of date")


@case("a certificate that is not valid yet is refused as such")
def _(world):
    authority = Authority(world)
    identity = authority.issue("DNS:localhost", 1, 3)
    fetch(world, identity, arguments=("--ca", authority.certificate)).must(60, "out of date")


@case("an untrusted certificate is refused, with what to do")
def _(world):
    authority = Authority(world)
    fetch(world, authority.issue("DNS:localhost")).must(60, "no trusted issuer", "--ca")


@case("another authority of the same name is not trusted")
def _(world):
    authority = Authority(world)
    stranger, _ = world.make_certificate("stranger")
    identity = authority.issue("DNS:localhost")
    fetch(world, identity, arguments=("--ca", stranger)).must(60, "no trusted issuer")


@case("a self-signed certificate is refused unless it is given")
def _(world):
    certificate, key = world.make_certificate()
    identity = ("--cert", certificate, "--key", key)
    fetch(world, identity).must(60, "--ca")
    fetch(world, identity, arguments=("--ca", certificate)).must(0)


@case("--insecure believes everybody and warns loudly")
def _(world):
    authority = Authority(world)
    identity = authority.issue("DNS:other.example", -3, -1)
    result = fetch(world, identity, arguments=("--insecure",)).must(0, "WARNING", "--insecure")
    check_equal(result.out, b"the page", "the page")


@case("a file for --ca that cannot be used is named")
def _(world):
    garbage = world.path("garbage.pem")
    garbage.write_bytes(b"no certificate\n")
    for path in (world.path("none.pem"), garbage):
        world.client("--ca", path, "https://localhost:1/").must(77, path.name)


@case("SSL_CERT_FILE takes the place of the system's authorities")
def _(world):
    authority = Authority(world)
    world.write("page", b"the page")
    server = world.server(identity=authority.issue("DNS:localhost"))
    url = f"https://localhost:{server.port}/page"
    world.client(url, SSL_CERT_FILE=str(authority.certificate)).must(0)


@case("--verbose shows the handshake, the certificate's names and the path")
def _(world):
    authority = Authority(world)
    identity = authority.issue("DNS:localhost,DNS:second.example")
    result = fetch(world, identity, arguments=("-v", "--ca", authority.certificate)).must(
        0, "TLSv1.3", "TLS_", "ALPN h3", "localhost", "second.example", "Test authority", "127.0.0.1:"
    )
    for line in ("> GET /page HTTP/3", "< HTTP/3 200", "< content-length: 8"):
        check(line in result.err, f"{line!r} is missing in {result.err}")


@case("a cipher suite that one side does not accept is an error, never ignored")
def _(world):
    authority = Authority(world)
    world.write("page", b"the page")
    identity = authority.issue("DNS:localhost")
    strict = world.server(identity=(*identity, "--ciphers", "TLS_CHACHA20_POLY1305_SHA256"), **NO_AES)
    arguments = ("--ca", authority.certificate, f"https://localhost:{strict.port}/page")
    both = world.client("-v", "--ciphers", "TLS_CHACHA20_POLY1305_SHA256", *arguments, **NO_AES)
    both.must(0, "TLS_CHACHA20_POLY1305_SHA256")
    refused = world.client("--ciphers", "TLS_AES_256_GCM_SHA384", *arguments)
    refused.must(35, "cipher suite")


@case("each name gets the certificate that is for it")
def _(world):
    authority = Authority(world)
    first = [world.path("first.pem"), world.path("first.key")]
    for made, kept in zip(authority.issue("DNS:a.example.test")[1::2], first):
        made.rename(kept)
    second = authority.issue("DNS:b.example.test")
    world.write("page", b"the page")
    port = world.server(identity=("--cert", first[0], "--key", first[1], *second)).port
    for host, code in (("a.example.test", 0), ("b.example.test", 0), ("c.example.test", 60)):
        where = ("--resolve", f"{host}:{port}:127.0.0.1", "--ca", authority.certificate)
        world.client(*where, f"https://{host}:{port}/page").must(code)


@case("a server that requires certificates turns away clients without one")
def _(world):
    authority = Authority(world)
    world.write("page", b"the page")
    certificate, key = world.make_certificate()
    demand = ("--cert", certificate, "--key", key, "--client-ca", certificate, "--require-client-cert")
    server = world.server(identity=demand)
    url = f"https://localhost:{server.port}/page"
    world.client("--ca", certificate, url).must(35, "certificate_required")
    world.client("--ca", certificate, "--cert", certificate, "--key", key, url).must(0)
    for bad in (world.path("none.pem"), authority.folder / "ca.cnf"):
        result = world.run(
            [world.program("quoin-server"), "--root", world.www, "--self-signed", "--client-ca", bad]
        )
        result.must(3, "--client-ca", bad.name)


@case("SIGHUP takes new certificates, and keeps the old ones when the new ones are bad")
def _(world):
    authority = Authority(world)
    identity = authority.issue("DNS:a.example.test")
    world.write("page", b"the page")
    server = world.server(identity=identity)

    def code(host):
        where = ("--resolve", f"{host}:{server.port}:127.0.0.1", "--ca", authority.certificate)
        return world.client(*where, f"https://{host}:{server.port}/page").code

    check_equal(code("a.example.test"), 0, "the old name before")
    authority.issue("DNS:b.example.test")
    server.signal(signal.SIGHUP)
    wait_until(lambda: "get the reloaded certificates" in server.err, 10, "the certificates to be read")
    check_equal(code("b.example.test"), 0, "the new name")
    check_equal(code("a.example.test"), 60, "the old name after")
    identity[1].write_text("rubbish\n")
    server.signal(signal.SIGHUP)
    wait_until(lambda: "stay in use" in server.err, 10, "the refusal")
    check("leaf.pem" in server.err, f"the file is not named: {server.err}")
    check_equal(code("b.example.test"), 0, "the new name after a bad reload")


@case("a pinned key must be the server's")
def _(world):
    world.write("page", b"the page")
    server = world.server()
    own = re.search(r"^spki sha256: (.*)$", server.out, re.M).group(1)
    url = f"https://localhost:{server.port}/page"
    other = "sha256//" + "A" * 43 + "="
    world.client("--insecure", "--pinnedpubkey", f"{other};sha256//{own}", url).must(0)
    world.client("--insecure", "--pinnedpubkey", other, url).must(60, "--pinnedpubkey", own)
    world.client("--pinnedpubkey", f"sha256//{own}", url).must(60, "--ca")
    world.client("--pinnedpubkey", "rubbish", url).must(2, "rubbish")
    world.client("--pinnedpubkey", "", url).must(2, "--pinnedpubkey")


main()
