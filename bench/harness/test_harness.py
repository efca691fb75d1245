# SPDX-License-Identifier: MIT
"""The harness's own arithmetic: a benchmark that counts wrong is worse than none."""

import pathlib
import sys
import tempfile
import types
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import arithmetic  # noqa: E402
import connections  # noqa: E402
import loads  # noqa: E402
import measure  # noqa: E402
import plot  # noqa: E402
import programs  # noqa: E402
import report  # noqa: E402
import transfers  # noqa: E402
from peers import H2load  # noqa: E402
from scenario import IDEAL, Figure, Scenario  # noqa: E402

H2LOAD = """
finished in 3.00s, 500.00 req/s, 510.00KB/s
requests: 1100 total, 1100 started, 1000 done, 1000 succeeded, 100 failed, 0 errored, 0 timeout
status codes: 1000 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 1.02MB (1070000) total, 20.00KB (20000) headers (space savings 80.00%), 1.00MB (1024000) data
"""

UDP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  1: 0100007F:1151 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0
  2: 0100007F:1152 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0
"""

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1151 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
   1: 0100007F:1151 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4714 1 0 20 4 30 10 -1
"""


def run(**figures):
    return {"noisy": False, **figures}


def small_scenario():
    return Scenario("some", "Some <title> & more", [("raw", "raw"), ("quoin", "quoin"), IDEAL],
                    [Figure("gbit", "Gbit/s", True, 1), Figure("calls", "calls", None, 0)], None, None)


def small_summary(scenario):
    return report.summarise(scenario, {
        ("raw", "raw"): [run(gbit=2, calls=None), run(gbit=9, calls=None), run(gbit=4, calls=None)],
        ("quoin", "quoin"): [run(gbit=6, calls=1), run(gbit=5, calls=2), run(gbit=7, calls=3)],
        IDEAL: [run(gbit=12, calls=1)] * 3})


class Arithmetic(unittest.TestCase):
    def test_a_percentile_is_one_of_the_values(self):
        hundred = list(range(1, 101))
        self.assertEqual(arithmetic.percentile(hundred, 50), 50)
        self.assertEqual(arithmetic.percentile(hundred, 99), 99)
        self.assertEqual(arithmetic.percentile(hundred, 100), 100)
        self.assertEqual(arithmetic.percentile([7], 99), 7)
        self.assertEqual(arithmetic.percentile([1, 2, 3], 50), 2)
        self.assertIsNone(arithmetic.percentile([], 50))

    def test_a_summary_has_the_median_and_the_extremes(self):
        self.assertEqual(arithmetic.summary([9, 1, 2]), {"median": 2, "low": 1, "high": 9})
        self.assertEqual(arithmetic.summary([1, 2, None])["median"], None)

    def test_a_ratio_needs_something_to_compare_with(self):
        self.assertEqual(arithmetic.ratio(3, 2), 1.5)
        self.assertIsNone(arithmetic.ratio(3, 0))
        self.assertIsNone(arithmetic.ratio(None, 2))
        self.assertIsNone(arithmetic.ratio(3, None))

    def test_memory_is_told_for_each_connection(self):
        self.assertEqual(arithmetic.per_connection(1000, 3000, 20), 100)
        self.assertEqual(arithmetic.per_connection(3000, 1000, 20), 0)


class Report(unittest.TestCase):
    def test_ratios_are_to_the_first_one_and_to_the_ideal(self):
        rows = small_summary(small_scenario())["rows"]
        self.assertEqual([row["figures"]["gbit"]["median"] for row in rows], [4, 6, 12])
        self.assertEqual([row["figures"]["gbit"]["ratio"] for row in rows], [1, 1.5, 3])
        self.assertEqual([row["figures"]["gbit"]["ratio_to_ideal"] for row in rows], [4 / 12, 0.5, 1])

    def test_every_line_of_a_table_has_every_column(self):
        scenario = small_scenario()
        lines = report.table(scenario, small_summary(scenario))
        self.assertEqual({len(line) for line in lines}, {len(lines[0])})
        self.assertIn("x ideal", lines[0])
        self.assertIn("-", lines[1])  # calls that raw did not count

    def test_a_server_is_asked_for_its_workers(self):
        files = types.SimpleNamespace(key="k", certificate="c", root="r")
        known = programs.Programs(pathlib.Path("bin"), pathlib.Path("raw"), None, files)
        scenario = loads.many_workers(2, 1.0)
        command, _ = known.server(scenario.contestants[-1][0], "127.0.0.1")
        self.assertEqual(command[-2:], ["--workers", "2"])
        self.assertNotIn("--workers", known.server("quoin", "127.0.0.1")[0])

    def test_scenarios_have_names_of_their_own(self):
        for quick in (False, True):
            keys = [s.key for s in transfers.all_scenarios() + loads.all_scenarios(quick) + connections.all_scenarios(quick)]
            self.assertEqual(len(keys), len(set(keys)))


class Plot(unittest.TestCase):
    def test_bars_grow_with_the_figure_and_unknown_ones_are_left_out(self):
        text = plot.bars("a < b & c", "Gbit/s", [("one", 5, 4, 10), ("two", 10, 10, 10), ("none", None, None, None)])
        root = xml.etree.ElementTree.fromstring(text)
        widths = [float(node.get("width")) for node in root if node.tag.endswith("rect")][1:]
        self.assertEqual(len(widths), 2)
        self.assertAlmostEqual(widths[1], 2 * widths[0], delta=0.2)

    def test_lines_stay_inside_of_the_picture(self):
        text = plot.lines("title", "us", {"raw": [(1, 3.5), (10_000, 12)], "quoin": [(1, 4), (10_000, None)], "none": []})
        root = xml.etree.ElementTree.fromstring(text)
        circles = [node for node in root if node.tag.endswith("circle")]
        self.assertEqual(len(circles), 3)
        for circle in circles:
            self.assertTrue(0 <= float(circle.get("cx")) <= plot.WIDTH)
            self.assertTrue(0 <= float(circle.get("cy")) <= 360)

    def test_a_figure_that_nobody_has_is_a_picture_too(self):
        for text in (plot.lines("title", "us", {}), plot.bars("title", "us", [])):
            xml.etree.ElementTree.fromstring(text)

    def test_each_scenario_gets_a_file(self):
        scenario = small_scenario()
        with tempfile.TemporaryDirectory() as folder:
            plot.write_all(pathlib.Path(folder) / "plots", [(scenario, small_summary(scenario))])
            xml.etree.ElementTree.parse(pathlib.Path(folder) / "plots" / "some.svg")


class Page(unittest.TestCase):
    def test_figures_stand_with_spread_and_ratio(self):
        scenario = small_scenario()
        about = {"date": "2026-01-02T03:04:05", "revision": "abc", "network": "veth", "runs": 3,
                 "machine": {"cpu": "some CPU", "cores": 2, "kernel": "6.1"}}
        page = report.markdown(about, [(scenario, small_summary(scenario))])
        self.assertIn("2026-01-02", page)
        row = page.strip().splitlines()[-1]
        self.assertEqual(row.count("|"), 3 + len(scenario.figures))
        self.assertRegex(row, r" [0-9.]+ \([0-9.]+\.\.[0-9.]+, [0-9.]+\) ")


class Samples(unittest.TestCase):
    def test_who_fails_is_left_out_and_the_others_go_on(self):
        class Sometimes:
            calls = []

            def sample(self, _bench, contestant):
                self.calls.append(contestant)
                if self.calls.count("bad") == 2 and contestant == "bad":
                    raise programs.Failure("too slow")
                return len(self.calls)

        samples, failed = measure.take_samples(Sometimes(), ["good", "bad"], None, 3)
        self.assertEqual(samples, {"good": [1, 3, 5]})
        self.assertEqual(failed, {"bad": "too slow"})


class Marks(unittest.TestCase):
    def test_a_load_program_tells_when_it_measures(self):
        self.assertEqual([measure.count_marks(text) for text in (b"", b"measuring\n", b'measuring\n{"failed": 0}\n')],
                         [0, 1, 2])
        started = b"progress: 10% done\nMain benchmark duration is started for thread #0.\n"
        self.assertEqual(measure.count_marks(started), 1)
        self.assertEqual(measure.count_marks(started + b"Main benchmark duration is over for thread #0.\n"), 2)
        self.assertEqual(measure.count_marks(b"one\ntwo\n"), 0)


class Peers(unittest.TestCase):
    def test_h2load_is_understood(self):
        with tempfile.TemporaryDirectory() as folder:
            times = pathlib.Path(folder) / "times"
            times.write_text("".join(f"1700000000\t200\t{i}\n" for i in range(100, 0, -1)) + "1700000000\t-1\t9999\n")
            out = H2load.parse(H2LOAD, times)
        self.assertEqual(out["measured"], 1000)
        self.assertEqual(out["failed"], 0)
        self.assertEqual(out["seconds"], 2)
        self.assertEqual((out["p50_us"], out["p99_us"]), (50, 99))

    def test_what_h2load_never_said_is_an_error(self):
        with self.assertRaises(programs.Failure):
            H2load.parse("segmentation fault")

    def test_only_sockets_that_listen_on_the_port_make_a_server_ready(self):
        self.assertEqual(programs.open_sockets(UDP, 0x1151), {"4711"})
        self.assertEqual(programs.open_sockets(TCP, 0x1151), {"4713"})
        self.assertEqual(programs.open_sockets(TCP, 0x1152), set())


if __name__ == "__main__":
    unittest.main()
