# SPDX-License-Identifier: MIT
"""The machine that is measured on: what it is, what CPU time processes took, and who disturbed them."""

import hashlib
import os
import pathlib
import platform
import time

TICK = os.sysconf("SC_CLK_TCK")
CALIBRATION = b"x" * (4 << 20)


def cpu_seconds(pid):
    """CPU time of a process so far, all threads, those that have ended too."""
    return time.clock_gettime((~int(pid) << 3) | 2)  # what clock_getcpuclockid() makes of a process


def resident_bytes(pid):
    """Memory of a process that is in RAM at present."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has ended")


def busy_seconds():
    """Time that all cores together did something, or were taken away by a hypervisor."""
    fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / TICK


def kernel_thread_seconds():
    """CPU time of ksoftirqd, which does network work on behalf of whoever is measured."""
    total = 0.0
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if (folder / "comm").read_text().startswith("ksoftirqd"):
                    total += cpu_seconds(folder.name)
            except OSError:
                pass
    return total


class Calibration:
    """Times a fixed piece of work, to find out when a core is slower than it can be."""

    def __init__(self, cores):
        self.cores = [core for core in cores if core < (os.cpu_count() or 1)]
        self.best = float("inf")
        self.slowdown()

    def slowdown(self):
        """How much slower than its best time the work takes at present on the slower core; 0: not at all."""
        worst = 0.0
        allowed = os.sched_getaffinity(0)
        try:
            for core in self.cores:
                os.sched_setaffinity(0, {core})
                start = time.perf_counter()
                hashlib.sha256(CALIBRATION).digest()
                took = time.perf_counter() - start
                self.best = min(self.best, took)
                worst = max(worst, took)
        finally:
            os.sched_setaffinity(0, allowed)
        return worst / self.best - 1


def describe():
    model = memory = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal"):
            memory = f"{int(line.split()[1]) / (1 << 20):.0f} GiB"
    return {"cpu": model, "cores": os.cpu_count(), "memory": memory, "kernel": platform.release()}
