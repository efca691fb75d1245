# SPDX-License-Identifier: MIT
"""Tests of the harness itself, without a peer and without a socket: a relay that does no harm proves nothing."""

import random
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


if __name__ == "__main__":
    unittest.main()
