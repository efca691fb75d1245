# SPDX-License-Identifier: MIT
"""Tests of the harness itself, without a peer and without a socket: a relay that does no harm proves nothing.
And of run-endpoint, with a tool that only tells how it was called.
"""

import os
import pathlib
import random
import subprocess
import tempfile
import unittest

import packets
import relay


def direction(**link):
    return relay.Direction(relay.Link(**link), random.Random(7), {}, "there")


class RelayTest(unittest.TestCase):
    def test_a_perfect_link_passes_everything_at_once(self):
        path = direction()
        for number in range(100):
            self.assertEqual(path.admit(b"x" * number, 2, 0.0, 5.0), (5.0, b"x" * number, 2))

    def test_loss_hits_the_stated_share_and_never_more_than_three_in_a_row(self):
        path = direction(loss=0.3)
        fates = [path.admit(b"x", 0, 0.0, 0.0) is None for _ in range(20000)]
        in_a_row = longest = 0
        for lost in fates:
            in_a_row = in_a_row + 1 if lost else 0
            longest = max(longest, in_a_row)
        self.assertEqual(longest, 3)
        self.assertAlmostEqual(sum(fates) / len(fates), 0.3, delta=0.02)

    def test_corruption_changes_one_byte_and_keeps_the_length(self):
        path = direction(corruption=1.0)
        _, damaged, _ = path.admit(bytes(50), 0, 0.0, 0.0)
        self.assertEqual(sorted(damaged)[:49], [0] * 49)
        self.assertNotEqual(damaged, bytes(50))
        self.assertEqual(len(damaged), 50)

    def test_a_full_queue_drops_and_the_rate_spaces_the_rest(self):
        path = direction(rate=10e6, queue=25, delay=0.015)
        arrivals = [path.admit(bytes(1222), 0, 0.0, 0.0) for _ in range(40)]
        self.assertEqual(sum(arrival is not None for arrival in arrivals), 26)
        self.assertAlmostEqual(arrivals[0][0], 0.016)
        self.assertAlmostEqual(arrivals[25][0] - arrivals[0][0], 0.025)
        self.assertIsNotNone(path.admit(bytes(1222), 0, 0.0, 1.0))

    def test_a_blackhole_swallows_the_last_seconds_of_each_period(self):
        path = direction(blackhole=(2.0, 7.0))
        passes = [path.admit(b"x", 0, float(age), 0.0) is not None for age in range(14)]
        self.assertEqual(passes, ([True] * 5 + [False] * 2) * 2)

    def test_only_ecn_capable_datagrams_are_marked_and_large_ones_vanish(self):
        path = direction(mark_ce=1.0, max_payload=1252)
        self.assertEqual(path.admit(b"x", relay.ECT0, 0.0, 0.0)[2], relay.CE)
        self.assertEqual(path.admit(b"x", 0, 0.0, 0.0)[2], 0)
        self.assertIsNone(path.admit(bytes(1253), 0, 0.0, 0.0))
        self.assertIsNotNone(path.admit(bytes(1252), 0, 0.0, 0.0))


def long_header(kind, rest):
    return bytes([0xC0 | kind << 4]) + b"\0\0\0\1" + b"\4dcid" + b"\4scid" + rest


class PacketsTest(unittest.TestCase):
    def test_coalesced_packets_are_all_seen(self):
        initial = long_header(packets.INITIAL, b"\2to" + b"\x40\x05" + b"12345")
        handshake = long_header(packets.HANDSHAKE, b"\3" + b"123")
        short = b"\x40more"
        self.assertEqual(
            packets.long_header_types(initial + handshake + short),
            [packets.INITIAL, packets.HANDSHAKE],
        )

    def test_what_is_cut_off_does_not_disturb(self):
        whole = long_header(packets.INITIAL, b"\2to" + b"\x40\x05" + b"12345")
        for length in range(len(whole)):
            packets.long_header_types(whole[:length])

    def test_amplification_is_counted_until_the_client_is_validated(self):
        watcher = packets.Watcher()
        watcher.on_datagram("to_server", bytes(1200))
        watcher.on_datagram("to_client", bytes(3600))
        watcher.on_datagram("to_server", long_header(packets.HANDSHAKE, b"\0"))
        watcher.on_datagram("to_client", bytes(100000))
        self.assertEqual(watcher.amplification, 3.0)


ENDPOINT = pathlib.Path(__file__).parent.parent / "run-endpoint"
TOOL = r"""#!/bin/sh
printf '%s\n' "$@" end >> "$CALLS"
while [ $# -gt 0 ]; do
  case $1 in
    --output-dir) downloads=$2; shift ;;
    https:*) name=${1##*/}; [ "$name" = absent ] || : > "$downloads/$name" ;;
  esac
  shift
done
exit "$STATUS"
"""


class EndpointTest(unittest.TestCase):
    def run_endpoint(self, testcase, status=0, **environment):
        """Returns the exit status and the arguments of each call of a tool."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("quoin-client", "quoin-server"):
                tool = pathlib.Path(folder, name)
                tool.write_text(TOOL)
                tool.chmod(0o700)
            calls = pathlib.Path(folder, "calls")
            environment = {
                "PATH": os.environ["PATH"],
                "TESTCASE": testcase,
                "CERTS": "/certs",
                "WWW": "/www",
                "ADDR": "127.0.0.1",
                "DOWNLOADS": f"{folder}/a/downloads",
                "QLOGDIR": f"{folder}/a/qlog",
                "QUOIN_BIN_DIR": folder,
                "CALLS": str(calls),
                "STATUS": str(status),
                **environment,
            }
            done = subprocess.run(["sh", "-c", f"exec {ENDPOINT}"], env=environment, cwd=folder, check=False)
            text = calls.read_text() if calls.exists() else ""
            return done.returncode, [call.split("\n")[:-1] for call in text.split("end\n")[:-1]]

    def fetch(self, testcase, requests, **more):
        return self.run_endpoint(testcase, ROLE="client", REQUESTS=requests, **more)

    def test_urls_may_be_apart_by_anything_and_have_any_character(self):
        urls = ["https://localhost:4433/a?*", "https://localhost:4433/b[c]", "https://[::1]:1/d"]
        status, calls = self.fetch("transfer", f"  {urls[0]}   {urls[1]}\n{urls[2]} ")
        self.assertEqual(status, 0)
        self.assertEqual(calls[0][-3:], urls)
        self.assertEqual([v for v in calls[0] if v.endswith(":127.0.0.1")], ["localhost:4433:127.0.0.1"])

    def test_the_session_of_the_first_url_is_used_for_the_rest(self):
        for requests, rest in (("https://h/a https://h/b https://h/c", 2), ("https://h/a", 1)):
            status, (first, second) = self.fetch("zerortt", requests)
            self.assertEqual(status, 0)
            self.assertEqual([v for v in first if "//" in v], ["https://h/a"])
            self.assertEqual(len([v for v in second if "//" in v]), rest)
            self.assertNotIn("--early-data", first)
            self.assertIn("--early-data", second)
            session = first[first.index("--session") + 1]
            self.assertEqual(session, second[second.index("--session") + 1])
            self.assertFalse(os.path.exists(session))

    def test_a_path_that_the_server_does_not_want_is_no_failure_when_the_files_are_there(self):
        self.assertEqual(self.fetch("connectionmigration", "https://h/a", status=45)[0], 0)
        self.assertEqual(self.fetch("connectionmigration", "https://h/a https://h/absent", status=45)[0], 45)
        self.assertEqual(self.fetch("connectionmigration", "https://h/a", status=28)[0], 28)
        self.assertEqual(self.fetch("transfer", "https://h/a", status=45)[0], 45)

    def test_the_server_listens_where_it_is_told(self):
        for host, shown in (("::1", "[::1]:8443"), ("127.0.0.1", "127.0.0.1:8443")):
            status, (call,) = self.run_endpoint("retry", ROLE="server", IP=host, PORT="8443")
            self.assertEqual(status, 0)
            self.assertEqual(call[call.index("--listen") + 1], shown)
            self.assertIn("--retry", call)

    def test_what_is_not_supported_is_said_by_127(self):
        self.assertEqual(self.fetch("versionnegotiation", "https://h/a"), (127, []))
        self.assertEqual(self.run_endpoint("transfer", ROLE="sim"), (127, []))
        self.assertNotIn(self.fetch("transfer", " ")[0], (0, 127))


if __name__ == "__main__":
    unittest.main()
