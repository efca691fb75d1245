# SPDX-License-Identifier: MIT
"""What every interop case needs around it: a folder, certificates, free ports, child processes, files.

A `World` owns all of it and takes all of it away again. It knows no peer and no protocol.
"""

import hashlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Failure(Exception):
    """A case went wrong; the text says how."""


def wait_until(condition, seconds, what):
    """Polls `condition` until it holds; a deadline instead of a guess how long something takes."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"gave up after {seconds} s waiting for {what}")
        time.sleep(0.01)
    return value


def udp_port_is_bound(port):
    wanted = f":{port:04X}"
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with open(table) as lines:
            if any(line.split()[1].endswith(wanted) for line in lines if ":" in line.split()[1]):
                return True
    return False


class Process:
    """A child in a process group of its own, its output in a file."""

    def __init__(self, name, command, log, environment, stdin=subprocess.DEVNULL):
        self.name, self.log = name, log
        with open(log, "ab") as output:
            self.child = subprocess.Popen(
                [str(part) for part in command],
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def output(self):
        return self.log.read_text(errors="replace")

    def write(self, text):
        """For a child with a pipe as standard input."""
        self.child.stdin.write(text.encode())
        self.child.stdin.flush()

    def is_running(self):
        return self.child.poll() is None

    def finish(self, seconds):
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not finish within {seconds} s") from None

    def expect_end(self, seconds, expected=0):
        """Waits for the end; another status than `expected` is a failure."""
        status = self.finish(seconds)
        if status != expected:
            raise Failure(f"{self.name} ended with status {status} instead of {expected}")

    def stop(self):
        """SIGTERM, and SIGKILL for what is left of the group. Returns the exit status.

        A server whose client vanished on a bad link, its last acknowledgements lost, may wait for it: quoin-server
        for 10 s.
        """
        if self.is_running():
            self.child.terminate()
            try:
                self.child.wait(12)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.child.wait()


class World:
    def __init__(self, quoin_bin, examples_bin, peers_bin):
        self.quoin_bin, self.examples_bin, self.peers_bin = quoin_bin, examples_bin, peers_bin
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="quoin-interop-"))
        self.www = self.folder("www")
        self.downloads = self.folder("downloads")
        self.uploads = self.folder("uploads")
        self.certs = self.folder("certs")
        self.processes = []
        self.at_close = []

    def close(self, keep_files=False):
        for process in reversed(self.processes):
            process.stop()
        for clean_up in self.at_close:
            clean_up()
        if not keep_files:
            shutil.rmtree(self.root, ignore_errors=True)

    def folder(self, name):
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    def spawn(self, name, command, stdin=subprocess.DEVNULL, **environment):
        log = self.root / f"{len(self.processes)}-{name}.log"
        process = Process(name, command, log, environment, stdin)
        self.processes.append(process)
        return process

    def run(self, name, command, seconds, **environment):
        """Runs to the end and returns the output; a status other than 0 is a failure."""
        process = self.spawn(name, command, **environment)
        process.expect_end(seconds)
        return process.output()

    def wait_for_server(self, process, port):
        def is_up():
            if not process.is_running():
                raise Failure(f"{process.name} ended with status {process.child.returncode}")
            return udp_port_is_bound(port)

        wait_until(is_up, 15, f"{process.name} to bind UDP port {port}")

    def peer(self, program):
        path = pathlib.Path(shutil.which("chromium") or "") if program == "chromium" else None
        path = path or self.peers_bin / program
        if not path.is_file():
            raise Failure(f"{program} is missing; run tests/interop/setup.sh")
        return path

    def quoin(self, program):
        """A tool or an example of ours."""
        for folder in (self.quoin_bin, self.examples_bin):
            if (folder / program).is_file():
                return folder / program
        raise Failure(f"{self.quoin_bin / program} is missing; build it first")

    def report(self):
        """The end of each log, for people who look at a failed case."""
        for process in self.processes:
            lines = process.output().splitlines()[-25:]
            print(f"--- {process.name}: status {process.child.poll()}", *lines, sep="\n    ")


def free_port(host="127.0.0.1"):
    """A port number that is free for UDP and TCP alike."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family, socket.SOCK_DGRAM) as udp:
            udp.bind((host, 0))
            port = udp.getsockname()[1]
            with socket.socket(family, socket.SOCK_STREAM) as tcp:
                try:
                    tcp.bind((host, port))
                    return port
                except OSError:
                    continue


def make_file(path, size):
    """Bytes that depend on the name only, so that no two files of a case are alike."""
    dice = random.Random(path.name)
    with open(path, "wb") as out:
        while size > 0:
            out.write(dice.randbytes(min(size, MIB)))
            size -= MIB


def digest(path):
    with open(path, "rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def compare_folders(expected, actual, names):
    for name in names:
        if not (actual / name).is_file():
            raise Failure(f"{name} did not arrive")
        if digest(expected / name) != digest(actual / name):
            sizes = [(folder / name).stat().st_size for folder in (expected, actual)]
            raise Failure(f"{name} arrived damaged: {sizes[0]} bytes expected, {sizes[1]} there")
