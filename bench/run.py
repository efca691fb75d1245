#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures quoin beside a raw ngtcp2 (its example programs), nginx and Caddy in one run; see docs/benchmarks.md.

The contestants of a scenario take turns, so that what changes on the machine meanwhile meets all of them. Runs that
other processes disturbed are repeated. Prints tables of medians with the lowest and highest value and the ratios
to raw and to the ideal, and writes a JSON file with every run and plots as SVG.
"""

import argparse
import datetime
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "harness"))

import connections  # noqa: E402
import loads  # noqa: E402
import machine  # noqa: E402
import network  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import transfers  # noqa: E402
from measure import Bench, take_samples  # noqa: E402
from peers import Peers  # noqa: E402
from programs import Files, Programs  # noqa: E402


def every_scenario(quick):
    return transfers.all_scenarios() + loads.all_scenarios(quick) + connections.all_scenarios(quick)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="128 MiB instead of 1 GiB, 1 s instead of 3, 3 runs")
    parser.add_argument("--runs", type=int, help="runs of each contestant (default 5, with --quick 3)")
    parser.add_argument("--only", metavar="NAMES",
                        help="scenarios, separated by commas; the number at the end may be left out: "
                        + ", ".join(scenario.key for scenario in every_scenario(quick=False)))
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / "build-bench/bin", help="quoin's programs")
    parser.add_argument("--baseline", type=pathlib.Path, help="ngtcp2's example programs, instead of building them")
    parser.add_argument("--peers", type=pathlib.Path, help="a folder with nginx and caddy, instead of fetching them")
    parser.add_argument("--no-peers", action="store_true", help="without nginx and Caddy")
    parser.add_argument("--json", type=pathlib.Path, help="default: bench.json beside the folder of the programs")
    parser.add_argument("--plots", type=pathlib.Path, help="folder for SVG files; default: bench-plots beside the JSON")
    parser.add_argument("--loopback", action="store_true", help="do not use network namespaces")
    parser.add_argument("--accept-noise", action="store_true", help="do not repeat runs that were disturbed")
    options = parser.parse_args()
    options.runs = options.runs or (3 if options.quick else 5)
    options.json = options.json or options.bin_dir.parent / "bench.json"
    options.plots = options.plots or options.json.parent / "bench-plots"
    return options


def chosen(options):
    every = every_scenario(options.quick)
    if not options.only:
        return every
    names = options.only.split(",")
    picked = [scenario for scenario in every if set(names) & {scenario.key, scenario.key.rstrip("0123456789")}]
    unknown = set(names) - {name for s in every for name in (s.key, s.key.rstrip("0123456789"))}
    if unknown:
        sys.exit(f"bench: no scenario {', '.join(sorted(unknown))}; there are: {', '.join(s.key for s in every)}")
    return picked


def build_baseline():
    done = subprocess.run([HERE / "baseline.sh"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("bench: there is nothing to compare with")
    return pathlib.Path(done.stdout.splitlines()[-1])


def fetch_peers(options):
    """The folder with nginx and Caddy; None without them, which leaves the rest of the figures good."""
    if options.no_peers or options.peers:
        return options.peers
    done = subprocess.run([HERE / "peers.sh"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        print("bench: going on without nginx and Caddy", file=sys.stderr)
        return None
    return pathlib.Path(done.stdout.splitlines()[-1])


def check_programs(options, baseline):
    own = ["quoin-server", "quoin-client"]
    own += [f"quoin-bench-{name}" for name in ("load", "handshakes", "ideal", "server")]
    for program in [options.bin_dir / name for name in own] + [baseline / "bsslserver", baseline / "bsslclient"]:
        if not program.exists():
            sys.exit(f"bench: {program} is missing; `make bench` builds it")


def measure(options, bench, about):
    """Returns the number of failures. What was measured is written after each scenario."""
    measured, failures = [], 0
    for scenario in chosen(options):
        contestants = list(filter(bench.programs.has, scenario.contestants))
        samples, failed = take_samples(scenario, contestants, bench, options.runs)
        for contestant, why in failed.items():
            print(f"bench: {scenario.key}: {' / '.join(contestant)} is left out: {why}", file=sys.stderr, flush=True)
        failures += len(failed)
        # Everything is compared with the first.
        if contestants[0] in failed:
            continue
        measured.append((scenario, report.summarise(scenario, samples)))
        report.print_table(*measured[-1])
        sys.stdout.flush()
        report.write_json(options.json, about, [summary for _, summary in measured])
    plot.write_all(options.plots, measured)
    options.json.with_suffix(".md").write_text(report.markdown(about, measured))
    return failures


def revision():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def main():
    options = parse_arguments()
    # So that a stopped run still removes its namespaces and processes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))
    chosen(options)
    # Programs with thousands of connections have a socket for each.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    baseline = options.baseline or build_baseline()
    peers = fetch_peers(options)
    check_programs(options, baseline)
    about = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
             "revision": revision(), "machine": machine.describe(), "runs": options.runs, "quick": options.quick}
    where = network.open_network(options.loopback)
    try:
        with tempfile.TemporaryDirectory(prefix="quoin-bench.") as folder:
            folder = pathlib.Path(folder)
            size = (128 << 20) if options.quick else (1 << 30)
            programs = Programs(options.bin_dir, baseline, Peers(peers, folder), Files(folder, size))
            calibration = machine.Calibration([network.SERVER_CORE, network.CLIENT_CORE])
            about |= {"network": where.description, "bulk_bytes": size}
            print(f"{about['machine']['cpu']}, {about['machine']['cores']} cores, kernel {about['machine']['kernel']}; "
                  f"quoin {about['revision']}; raw = {baseline}")
            print(f"{where.description}; medians of {options.runs} runs, {size >> 20} MiB bulk")
            bench = Bench(where, programs, calibration, folder, patient=not options.accept_noise)
            failures = measure(options, bench, about)
            print(f"\nEvery run: {options.json}; for the docs: {options.json.with_suffix('.md')}; plots: {options.plots}")
    finally:
        where.close()
    if failures:
        sys.exit(f"bench: {failures} left out because of failures, see above")


if __name__ == "__main__":
    main()
