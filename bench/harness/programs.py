# SPDX-License-Identifier: MIT
"""The programs that are compared: how each is started, and when a server is ready."""

import pathlib
import shutil
import subprocess
import time

PORT = 4433
# The default of ngtcp2's examples names a group that older releases of BoringSSL do not have.
RAW_GROUPS = "--groups=X25519:P-256"


class Failure(Exception):
    """A program did not do what it should have; the run counts for nothing."""


class Programs:
    """Command lines. `quoin` and `raw` are the folders with the programs."""

    def __init__(self, quoin, raw, peers, files):
        self.quoin, self.raw, self.peers, self.files = quoin, raw, peers, files

    def has(self, contestant):
        """Whether both programs of a (server, client) pair are there; quoin's and raw ones always are."""
        server, client = contestant
        if client.startswith("curl") and not shutil.which("curl") or client == "h2load" and not shutil.which("h2load"):
            return False
        return server not in ("nginx", "caddy") or self.peers.has(server)

    def server(self, who, address):
        """The command, and the protocol whose port shows that it is ready."""
        key, certificate = str(self.files.key), str(self.files.certificate)
        listen = f"{address}:{PORT}"
        if who in ("nginx", "caddy"):
            return self.peers.server(who, address, self.files), "tcp" if who == "nginx" else "udp"
        if who == "raw":
            return [self.raw / "bsslserver", "-q", RAW_GROUPS, "-d", self.files.root, address, str(PORT), key,
                    certificate], "udp"
        if who == "handler":
            return [self.quoin / "quoin-bench-server", listen, certificate, key], "udp"
        if who == "ideal":
            return [self.quoin / "quoin-bench-ideal", "--serve", address, str(PORT), self.files.root / "bulk"], "udp"
        workers = []
        if is_spread(who):
            key, certificate = self.files.costly_identity()
        if is_spread(who) or who.startswith("workers "):
            workers = ["--workers", who.split()[1]]
        return [self.quoin / "quoin-server", "-q", "--listen", listen, "--root", self.files.root,
                "--cert", certificate, "--key", key, *workers], "udp"

    def download(self, who, address, path):
        url = f"https://{address}:{PORT}{path}"
        if who.startswith("curl "):
            return self.peers.download(who.removeprefix("curl "), url)
        if who == "raw":
            return self._raw_client(address) + [url]
        if who == "ideal":
            return [self.quoin / "quoin-bench-ideal", address, str(PORT), str(self.files.bulk_size)]
        return [self.quoin / "quoin-client", "--insecure", "--fail", "-o", "/dev/null", url]

    def upload(self, who, server, address):
        """The raw server takes what is sent to a file that it serves, and forgets it."""
        url = f"https://{address}:{PORT}" + ("/small" if server == "raw" else "/sink")
        if who == "raw":
            return self._raw_client(address) + ["-m", "PUT", "-d", self.files.root / "bulk", url]
        return [self.quoin / "quoin-client", "--insecure", "--fail", "-o", "/dev/null",
                "-T", self.files.root / "bulk", url]

    def raw_requests(self, address, path, count):
        """So many requests on one connection, as many at a time as the server allows."""
        return self._raw_client(address) + ["-n", str(count), f"https://{address}:{PORT}{path}"]

    def _raw_client(self, address):
        return [self.raw / "bsslclient", "-q", RAW_GROUPS, "--no-quic-dump", "--no-http-dump",
                "--exit-on-all-streams-close", address, str(PORT)]

    def load(self, address, path, connections, streams, seconds, rate=0):
        return [self.quoin / "quoin-bench-load", f"{address}:{PORT}", path, str(connections), str(streams),
                str(int(seconds * 1000))] + ([str(int(rate))] if rate else [])

    def handshakes(self, mode, address, parallel, seconds):
        return [self.quoin / "quoin-bench-handshakes", mode, f"{address}:{PORT}", str(parallel),
                str(int(seconds * 1000))]

    def idle(self, address, connections):
        return [self.quoin / "quoin-bench-handshakes", "idle", f"{address}:{PORT}", "16", str(connections)]


def is_spread(server):
    """Whether it is quoin-server with so many workers ("spread 2") on all cores, and a key that makes handshakes
    costly for servers: the clients leave it some of their core."""
    return server.startswith("spread ")


class Files:
    """What servers serve, with a certificate: ECDSA P-256, as most of the web has."""

    def __init__(self, folder, bulk_size):
        self.root = folder / "root"
        self.root.mkdir()
        self.bulk_size = bulk_size
        (self.root / "small").write_bytes(bytes(range(256)) * 4)
        with open(self.root / "bulk", "wb") as bulk:
            chunk = bytes(range(251)) * 4178  # about 1 MiB
            left = bulk_size
            while left > 0:
                left -= bulk.write(chunk[:left])
        self.key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        self._make_certificate(self.key, self.certificate, "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")

    def costly_identity(self):
        """Key and certificate, RSA with 4096 bits: a signature takes some twenty times as long as with ECDSA."""
        key, certificate = self.root.parent / "rsa-key.pem", self.root.parent / "rsa-certificate.pem"
        if not certificate.exists():
            self._make_certificate(key, certificate, "rsa:4096")
        return key, certificate

    @staticmethod
    def _make_certificate(key, certificate, *kind):
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *kind, "-nodes",
             "-days", "7", "-subj", "/CN=bench.example", "-addext", "subjectAltName=DNS:bench.example",
             "-keyout", key, "-out", certificate], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"openssl could not make a certificate: {done.stderr.strip()}")


def open_sockets(table, port):
    """The inodes of the sockets that take what arrives on the port, from the text of a /proc/net/{tcp,udp}."""
    found = set()
    for line in table.splitlines()[1:]:
        fields = line.split()
        listens = fields[3] in ("0A", "07")  # TCP: LISTEN; UDP without a peer
        if fields[1].endswith(f":{port:04X}") and listens:
            found.add(fields[9])
    return found


class RunningServer:
    """A server process from when it can be asked until it is stopped."""

    def __init__(self, command, log, protocol):
        self.log, self.protocol = log, protocol
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            self._wait_until_bound()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self):
        return self.process.pid

    def _wait_until_bound(self):
        deadline = time.monotonic() + 10
        while not self._is_bound():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.log.read_text(errors="replace")[-600:]
                raise Failure(f"{self.process.args} does not listen on port {PORT}: {text}")
            time.sleep(0.01)

    def _is_bound(self):
        """Only this process's own sockets count: on loopback another program may have the port."""
        own = set()
        try:
            for link in pathlib.Path(f"/proc/{self.pid}/fd").iterdir():
                target = str(link.readlink())
                if target.startswith("socket:["):
                    own.add(target[8:-1])
            for table in (self.protocol, self.protocol + "6"):
                text = pathlib.Path(f"/proc/{self.pid}/net/{table}").read_text()
                if own & open_sockets(text, PORT):
                    return True
        except OSError:
            pass
        return False

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
