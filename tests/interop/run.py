#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs interop cases: run.py --bin-dir BUILD/bin CASE...

A case is WHAT.CLIENT.SERVER, for example files.curl.quoin or transferloss.endpoint.gtlsserver. Peers may be
run against each other too (files.curl.caddy), which tells a fault of theirs from one of ours.
"""

import argparse
import os
import pathlib
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "harness"))

import cases  # noqa: E402
from world import Failure, World  # noqa: E402


def peers_folder():
    default = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return pathlib.Path(os.environ.get("QUOIN_INTEROP_DIR") or default / "quoin-interop") / "bin"


def run_case(name, options):
    start = time.monotonic()
    world = World(options.bin_dir.resolve(), options.examples_dir.resolve(), peers_folder())
    try:
        job = cases.parse(name)
        signal.alarm(options.timeout)
        cases.run(world, job)
        verdict = "ok"
    except Exception as failure:
        verdict = "FAILED"
        print(f"{name}: {failure}")
        if not isinstance(failure, (Failure, TimeoutError)):
            traceback.print_exc()
        world.report()
    finally:
        signal.alarm(0)
        if options.keep:
            print("kept", world.root)
        world.close(keep_files=options.keep)
    print(f"{name}: {verdict} ({time.monotonic() - start:.1f} s)", flush=True)
    return verdict == "ok"


def on_alarm(*_):
    raise TimeoutError("the case took too long")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="+")
    build = HERE.parents[1] / "build"
    parser.add_argument("--bin-dir", type=pathlib.Path, default=build / "bin")
    parser.add_argument("--examples-dir", type=pathlib.Path, default=build / "examples")
    parser.add_argument("--timeout", type=int, default=100, help="seconds for each case")
    parser.add_argument("--keep", action="store_true", help="keep the case's folder")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    results = [run_case(name, options) for name in options.case]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
