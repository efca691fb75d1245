# SPDX-License-Identifier: MIT
"""The programs that are compared: how each is started, and when a server is ready."""

import pathlib
import subprocess
import time

PORT = 4433
# The default of ngtcp2's examples names a group that older releases of BoringSSL do not have.
RAW_GROUPS = "--groups=X25519:P-256"


class Failure(Exception):
    """A program did not do what it should have; the run counts for nothing."""


class Programs:
    """Command lines. `quoin` and `raw` are the folders with the programs."""

    def __init__(self, quoin, raw, files):
        self.quoin, self.raw, self.files = quoin, raw, files

    def server(self, who, address):
        key, certificate = str(self.files.key), str(self.files.certificate)
        if who == "raw":
            return [self.raw / "bsslserver", "-q", RAW_GROUPS, "-d", self.files.root, address, str(PORT), key,
                    certificate]
        return [self.quoin / "quoin-server", "-q", "--listen", f"{address}:{PORT}", "--root", self.files.root,
                "--cert", certificate, "--key", key]

    def download(self, who, address, path):
        url = f"https://{address}:{PORT}{path}"
        if who == "raw":
            return self._raw_client(address) + [url]
        return [self.quoin / "quoin-client", "--insecure", "--fail", "-o", "/dev/null", url]

    def raw_requests(self, address, path, count):
        """So many requests on one connection, as many at a time as the server allows."""
        return self._raw_client(address) + ["-n", str(count), f"https://{address}:{PORT}{path}"]

    def _raw_client(self, address):
        return [self.raw / "bsslclient", "-q", RAW_GROUPS, "--no-quic-dump", "--no-http-dump", "--exit-on-all-streams-close",
                address, str(PORT)]

    def load(self, address, path, connections, streams, seconds):
        return [self.quoin / "quoin-bench-load", f"https://{address}:{PORT}{path}", str(connections),
                str(streams), str(int(seconds * 1000))]

    def handshakes(self, address, parallel, seconds):
        return [self.quoin / "quoin-bench-handshakes", f"{address}:{PORT}", str(parallel), str(int(seconds * 1000))]


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
        self._make_certificate()

    def _make_certificate(self):
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "7", "-subj", "/CN=bench.example", "-addext", "subjectAltName=DNS:bench.example",
             "-keyout", self.key, "-out", self.certificate], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"openssl could not make a certificate: {done.stderr.strip()}")


class RunningServer:
    """A server process from when it can be asked until it is stopped."""

    def __init__(self, command, log):
        self.log = log
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
            for table in ("udp", "udp6"):
                for line in pathlib.Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]:
                    fields = line.split()
                    if fields[1].endswith(f":{PORT:04X}") and fields[9] in own:
                        return True
        except OSError:
            pass
        return False

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
