# SPDX-License-Identifier: MIT
"""Runs the tools as a user does and checks what they say, leave behind and return.

A test script decorates functions with `@case("sentence")` and calls `main()`. Every case gets a `World`
with a folder of its own. Everything stays on loopback; everything started is ended.
"""

import argparse
import contextlib
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

CASES = []


class Failed(Exception):
    """A case did not turn out as it must."""


class Skipped(Exception):
    """This machine cannot show the case."""


def case(sentence):
    def register(function):
        CASES.append((sentence, function))
        return function

    return register


def check(condition, what):
    if not condition:
        raise Failed(what)


def check_equal(found, expected, what):
    check(found == expected, f"{what}: found {found!r}, expected {expected!r}")


def wait_until(condition, seconds, what):
    """Polls for something that another process does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise Failed(f"not within {seconds} s: {what}")


class Result:
    """What a program did."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    @property
    def text(self):
        return self.out.decode(errors="replace")

    def must(self, code, *parts):
        """The exit code, and parts that standard error must have."""
        if self.code != code:
            raise Failed(f"exit code {self.code} instead of {code}; it said: {self.err}")
        for part in parts:
            check(part in self.err, f"{part!r} is missing in what it said: {self.err}")
        return self


class Process:
    """A program that goes on. Its output is collected all the time, so that it never blocks."""

    def __init__(self, command, environment=None, stdout=None, limit=None, cwd=None, stdin=subprocess.DEVNULL):
        self.command = command
        self.process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE,
            env=environment,
            preexec_fn=limit,
            cwd=cwd,
        )
        self.lines = queue.Queue()
        self.collected = {"out": b"", "err": b""}
        self.threads = []
        for name, stream in (("out", self.process.stdout), ("err", self.process.stderr)):
            if stream is not None:
                thread = threading.Thread(target=self._collect, args=(name, stream), daemon=True)
                thread.start()
                self.threads.append(thread)

    def _collect(self, name, stream):
        while chunk := stream.read1(65536):
            self.collected[name] += chunk

    @property
    def out(self):
        return self.collected["out"].decode(errors="replace")

    @property
    def err(self):
        return self.collected["err"].decode(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=20):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.command[0]} did not end within {seconds} s; it said: {self.err}") from None
        for thread in self.threads:
            thread.join(5)
        return code

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Server(Process):
    """A server that says where it listens, ready for clients."""

    def __init__(self, command, environment=None):
        super().__init__(command, environment)
        wait_until(self._ready, 20, f"the server to listen; it said: {self.err}")
        self.port = int(re.search(r"^listening on .*:(\d+)$", self.out, re.M).group(1))

    def _ready(self):
        if self.process.poll() is not None:
            raise Failed(f"the server ended with {self.process.returncode}: {self.err}")
        return re.search(r"^listening on .*:\d+$", self.out, re.M)

    def stop(self, expected=0):
        self.signal(signal.SIGTERM)
        check_equal(self.wait(), expected, "the server's exit code")


class World:
    """What one case has: a folder, the programs, and everything it started."""

    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quoin-tools-"))
        self.www = self.path("www")
        self.www.mkdir()
        self.started = []

    def path(self, name):
        return self.folder / name

    def write(self, name, data):
        path = self.www / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def program(self, name):
        for folder in (self.options.bin_dir, self.options.peer_dir, self.options.examples_dir):
            if folder and (pathlib.Path(folder) / name).exists():
                return str(pathlib.Path(folder) / name)
        raise Skipped(f"{name} was not built")

    def environment(self, **more):
        plain = {key: value for key, value in os.environ.items() if key != "SSLKEYLOGFILE"}
        return plain | {"LC_ALL": "C"} | more

    def spawn(self, command, stdout=None, limit=None, cwd=None, **environment):
        process = Process(
            [str(part) for part in command], self.environment(**environment), stdout, limit, cwd
        )
        self.started.append(process)
        return process

    def run(self, command, seconds=60, limit=None, cwd=None, stdin=None, **environment):
        begun = time.monotonic()
        try:
            done = subprocess.run(
                [str(part) for part in command],
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                timeout=seconds,
                env=self.environment(**environment),
                preexec_fn=limit,
                cwd=cwd,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"not over after {seconds} s: {command}") from None
        took = time.monotonic() - begun
        return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"), took)

    def client(self, *arguments, **more):
        return self.run([self.program("quoin-client"), *arguments], **more)

    def server(self, *arguments, identity=("--self-signed",), root=None, **environment):
        command = [self.program("quoin-server"), "--listen", "127.0.0.1:0"]
        command += ["--root", str(root or self.www), *(str(part) for part in identity)]
        server = Server(command + [str(part) for part in arguments], self.environment(**environment))
        self.started.append(server)
        return server

    def peer(self, name, *arguments):
        """Another server than quoin-server."""
        server = Server([self.program(name), *(str(part) for part in arguments)], self.environment())
        self.started.append(server)
        return server

    def make_certificate(self, name="self", names=("DNS:localhost", "IP:127.0.0.1", "IP:::1")):
        """A self-signed certificate and its key."""
        key, certificate = self.path(f"{name}.key"), self.path(f"{name}.pem")
        openssl(
            *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=" + ",".join(names)),
            *("-keyout", str(key), "-out", str(certificate)),
            cwd=self.folder,
        )
        return certificate, key

    def failing_server(self, *arguments, **environment):
        return self.run([self.program("quoin-server"), *arguments], seconds=20, **environment)

    def clean_up(self):
        for process in self.started:
            process.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def silent_socket():
    """A UDP socket that is there and never answers."""
    quiet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    quiet.bind(("127.0.0.1", 0))
    return quiet


def closed_port():
    """A UDP port with nothing behind it."""
    with silent_socket() as quiet:
        return quiet.getsockname()[1]


def left_in(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


def openssl(*arguments, cwd):
    done = subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, check=False)
    if done.returncode != 0:
        raise Failed(f"openssl {arguments}: {done.stderr.decode()}")


def run_case(sentence, function, options):
    world = World(options)
    try:
        function(world)
    except Skipped as reason:
        print(f"skipped: {sentence}: {reason}")
        return None
    except Failed as reason:
        print(f"FAILED: {sentence}: {reason}")
        return False
    except Exception:  # a mistake in the case itself
        print(f"FAILED: {sentence}")
        traceback.print_exc(file=sys.stdout)
        return False
    finally:
        world.clean_up()
    print(f"ok: {sentence}")
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True, help="where quoin-server and quoin-client are")
    parser.add_argument("--peer-dir", help="where the servers of other kinds are")
    parser.add_argument("--examples-dir", help="where the examples are")
    parser.add_argument("--docs-dir", help="where the pages of the tools are")
    parser.add_argument("words", nargs="*", help="only cases whose sentence has one of these words")
    options = parser.parse_args()
    results = []
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(line_buffering=True)
    for sentence, function in CASES:
        if not options.words or any(word in sentence for word in options.words):
            results.append(run_case(sentence, function, options))
    passed, failed = results.count(True), results.count(False)
    print(f"{passed} passed, {failed} failed, {results.count(None)} skipped")
    sys.exit(1 if failed or not passed else 0)
