# SPDX-License-Identifier: MIT
"""Where a run takes place: two network namespaces joined by a veth pair, or loopback."""

import os
import pathlib
import shutil
import subprocess
import time

SERVER_CORE, CLIENT_CORE = 0, 1


def pinned(core, command):
    """The command on one core, if the machine has enough of them."""
    if shutil.which("taskset") and core < (os.cpu_count() or 1):
        return ["taskset", "-c", str(core), *command]
    return list(command)


class Counters:
    """UDP calls and bytes of one side, from /proc; the difference of two belongs to a run."""

    def __init__(self, pid):
        lines = pathlib.Path(f"/proc/{pid}/net/snmp").read_text().splitlines()
        names, values = [line.split()[1:] for line in lines if line.startswith("Udp:")]
        udp = dict(zip(names, map(int, values)))
        # A datagram with offload, a train, counts once in both.
        self.received, self.sent = udp["InDatagrams"], udp["OutDatagrams"]
        self.overflows = udp["RcvbufErrors"]
        self.bytes_received = self.bytes_sent = 0
        for line in pathlib.Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]:
            fields = line.replace(":", " ").split()
            self.bytes_received += int(fields[1])
            self.bytes_sent += int(fields[9])

    def since(self, before):
        names = ("received", "sent", "overflows", "bytes_received", "bytes_sent")
        return {name: getattr(self, name) - getattr(before, name) for name in names}


class Loopback:
    address = "127.0.0.1"
    is_fair = False
    description = "loopback (MTU 65536: not the set-up that figures should be compared on; run as root for that)"

    def server_command(self, command, on_all_cores=False):
        return list(command) if on_all_cores else pinned(SERVER_CORE, command)

    def client_command(self, command):
        return pinned(CLIENT_CORE, command)

    def client_counters(self):
        return Counters("self")

    server_counters = client_counters

    def close(self):
        pass


class Namespaces:
    address = "10.99.0.1"
    is_fair = True
    description = "two network namespaces, veth, MTU 1500; server on core 0, client on core 1"

    def __init__(self):
        self.names = [f"quoin-bench-{side}-{os.getpid()}" for side in ("server", "client")]
        self.holders = []
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self):
        for name in self.names:
            self._ip("netns", "add", name)
        server, client = self.names
        self._ip("link", "add", "veth0", "netns", server, "mtu", "1500",
                 "type", "veth", "peer", "name", "veth0", "netns", client, "mtu", "1500")
        for name, address in zip(self.names, (self.address, "10.99.0.2")):
            self._ip("-n", name, "address", "add", f"{address}/24", "dev", "veth0")
            self._ip("-n", name, "link", "set", "veth0", "up")
            self._ip("-n", name, "link", "set", "lo", "up")
            # Keeps a /proc/PID/net of the namespace at hand.
            self.holders.append(subprocess.Popen(["ip", "netns", "exec", name, "sleep", "infinity"]))
        own = os.readlink("/proc/self/ns/net")
        for holder in self.holders:
            while os.readlink(f"/proc/{holder.pid}/ns/net") == own:
                if holder.poll() is not None:
                    raise OSError("ip netns exec failed")
                time.sleep(0.005)

    @staticmethod
    def _ip(*arguments):
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")

    def server_command(self, command, on_all_cores=False):
        command = list(command) if on_all_cores else pinned(SERVER_CORE, command)
        return ["ip", "netns", "exec", self.names[0], *command]

    def client_command(self, command):
        return ["ip", "netns", "exec", self.names[1], *pinned(CLIENT_CORE, command)]

    def server_counters(self):
        return Counters(self.holders[0].pid)

    def client_counters(self):
        return Counters(self.holders[1].pid)

    def close(self):
        for holder in self.holders:
            holder.terminate()
            holder.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)


def open_network(loopback):
    """The fair network where that is possible, else loopback with the reason on standard output."""
    if loopback:
        return Loopback()
    try:
        if os.geteuid() != 0:
            raise OSError("not root")
        return Namespaces()
    except OSError as reason:
        print(f"No network namespaces ({reason}): measuring on loopback, where large packets flatter everybody.")
        return Loopback()
