# SPDX-License-Identifier: MIT
"""One run: a fresh server, one or more clients, what both used, and whether others disturbed them."""

import json
import os
import subprocess
import time

from machine import busy_seconds, cpu_seconds, kernel_thread_seconds, resident_bytes
from programs import Failure, RunningServer, is_spread
from system_calls import SystemCalls

MOST_DISTURBANCE = 0.12  # of the run's time, by other processes on the two cores
MOST_SLOWDOWN = 0.20     # of the calibration loop
ATTEMPTS = 4
RUN_LIMIT = 90           # seconds


class Bench:
    """The network, the programs and the state that all runs share."""

    def __init__(self, network, programs, calibration, folder, patient):
        self.network, self.programs = network, programs
        self.calibration, self.folder, self.patient = calibration, folder, patient

    def run(self, server, client_commands, counts_calls=False):
        """The sample of the first undisturbed attempt, else of the least disturbed one (`noisy`)."""
        best = None
        for _ in range(ATTEMPTS if self.patient else 1):
            slowdown = self.calibration.slowdown()
            sample = self._attempt(server, client_commands, counts_calls)
            sample["slowdown"] = slowdown
            sample["noisy"] = slowdown > MOST_SLOWDOWN or sample["disturbance"] > MOST_DISTURBANCE
            if best is None or sample["disturbance"] < best["disturbance"]:
                best = sample
            if not sample["noisy"]:
                return sample
        return best

    def memory(self, server, client_command):
        """The server's memory before a client came and when that says that its connections are idle. Others do not
        disturb this, so that there is nothing to repeat."""
        running = self._start(server)
        try:
            before = resident_bytes(running.pid)
            client = Client(self.network.client_command(client_command), self.folder / "client0.log")
            try:
                deadline = time.monotonic() + RUN_LIMIT
                while client.log.read_bytes() != b"idle\n":
                    if client.has_ended(deadline):
                        raise Failure("the client ended before its connections were idle")
                    time.sleep(0.01)
                return before, resident_bytes(running.pid)
            finally:
                client.kill()
        finally:
            running.stop()

    def _start(self, server):
        command, protocol = self.programs.server(server, self.network.address)
        command = self.network.server_command(command, on_all_cores=is_spread(server))
        return RunningServer(list(map(str, command)), self.folder / "server.log", protocol)

    def _attempt(self, server, client_commands, counts_calls):
        running = self._start(server)
        try:
            return self._measure(running, client_commands, counts_calls)
        finally:
            running.stop()

    def _measure(self, server, client_commands, counts_calls):
        network = self.network
        server_before, client_before = network.server_counters(), network.client_counters()
        cpu_before = cpu_seconds(server.pid)
        others_before = busy_seconds() - kernel_thread_seconds()
        calls = SystemCalls(server.pid, counts_calls)
        start = time.monotonic()
        clients = [Client(network.client_command(command), self.folder / f"client{i}.log", counts_calls)
                   for i, command in enumerate(client_commands)]
        marks = self._wait(server, clients, start + RUN_LIMIT)
        seconds = time.monotonic() - start
        server_calls = calls.count()
        calls.close()
        others = busy_seconds() - kernel_thread_seconds() - others_before
        cpu = cpu_seconds(server.pid)
        if server.process.poll() is not None:
            text = server.log.read_text(errors="replace")[-600:]
            raise Failure(f"{server.process.args} stopped during a run: {text}")
        used = sum(client.cpu for client in clients)
        others -= cpu - cpu_before + used
        if len(marks) == 2:
            (cpu_before, client_begin), (cpu, client_end) = marks
            used = client_end - client_begin
        return {
            "seconds": seconds,
            "server_cpu": cpu - cpu_before,
            "client_cpu": used,
            "server_calls": server_calls,
            "client_calls": total(client.calls for client in clients),
            "disturbance": max(0.0, others) / seconds,
            "server_udp": network.server_counters().since(server_before),
            "client_udp": network.client_counters().since(client_before),
            "outputs": [client.output() for client in clients],
        }

    @staticmethod
    def _wait(server, clients, deadline):
        """Until all have ended. A load program prints a line when it begins to measure and one when it ends, so that
        neither the handshakes before nor the farewells after count: what server and client had used at these times."""
        marks = []
        waiting = list(clients)
        while waiting:
            seen = clients[0].marks() if len(clients) == 1 else 0
            while len(marks) < min(seen, 2):
                marks.append((cpu_seconds(server.pid), cpu_seconds(clients[0].process.pid)))
            waiting = [client for client in waiting if not client.has_ended(deadline)]
            if waiting:
                time.sleep(0.001)
        return marks


def take_samples(scenario, contestants, bench, runs):
    """The samples of each contestant, who take turns, and why some have none: one that failed is left out from then on,
    and the others go on."""
    samples, failed = {contestant: [] for contestant in contestants}, {}
    for _ in range(runs):
        for contestant in list(samples):
            try:
                samples[contestant].append(scenario.sample(bench, contestant))
            except Failure as failure:
                del samples[contestant]
                failed[contestant] = str(failure)
    return samples, failed


def count_marks(text):
    """When a load program begins to measure and when it ends, by what it has printed so far: ours, else h2load."""
    if text.startswith(b"measuring\n"):
        return text.count(b"\n")
    return (b"Main benchmark duration is started" in text) + (b"Main benchmark duration is over" in text)


def total(counts):
    counts = list(counts)
    return None if None in counts else sum(counts)


class Client:
    """A client process, waited for with its CPU time and system calls."""

    def __init__(self, command, log, counts_calls=False):
        self.command, self.log = list(map(str, command)), log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.calls_so_far = SystemCalls(self.process.pid, counts_calls)
        self.cpu, self.calls = 0.0, None

    def has_ended(self, deadline):
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0:
            if time.monotonic() > deadline:
                self.kill()
                raise Failure(f"{self._name()} did not finish within {RUN_LIMIT} s")
            return False
        self.calls = self.calls_so_far.count()
        self.calls_so_far.close()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        if self.process.returncode != 0:
            text = self.log.read_text(errors="replace")[-600:]
            raise Failure(f"{self._name()} ended with {self.process.returncode}: {text}")
        return True

    def kill(self):
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()

    def marks(self):
        """How many of its two marks a load program has printed; its output is short."""
        return count_marks(self.log.read_bytes())

    def output(self):
        """What the load programs print; of others the `text`."""
        text = self.log.read_text(errors="replace").strip()
        last = text.splitlines()[-1] if text else ""
        return json.loads(last) if last.startswith("{") else {"text": text}

    def _name(self):
        return " ".join(self.command)
