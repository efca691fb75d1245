#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Says whose code a program's processor time went to: a recording of `perf record` by parts; see docs/benchmarks.md."""

import argparse
import bisect
import collections
import re
import subprocess

LINE = re.compile(r"\s*(\d+)\s+(\S+)\s+\[(.)\]\s+(.*)")


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Symbols:
    """The functions of a program: perf does not always find names for its addresses."""

    def __init__(self, program):
        lines = (line.split(" ", 2) for line in output_of("nm", "-C", "--defined-only", program).splitlines())
        self.table = sorted((int(f[0], 16), f[2]) for f in lines if len(f) == 3 and f[1] in "tTwW")
        self.addresses = [address for address, _ in self.table]

    def name(self, text):
        if not text.startswith("0x"):
            return text
        index = bisect.bisect_right(self.addresses, int(text, 16)) - 1
        return self.table[index][1] if index >= 0 else text


def part_of(kind, file, symbol):
    if kind == "k":
        return "kernel"
    if "libcrypto" in file or "libssl" in file:
        return "BoringSSL"
    if "libc.so" in file:
        return "libc"
    if ".so" in file or file.startswith("["):
        return "other"
    if "quoin::" in symbol or symbol.startswith("std::"):
        return "quoin"
    # What is left are the functions of C libraries that were linked in, most of them static ones.
    return "nghttp3" if symbol.removeprefix("quoin_").startswith("nghttp3_") else "ngtcp2"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", help="what `perf record -o` wrote")
    parser.add_argument("program", help="the program that was recorded, with its symbols")
    parser.add_argument("--top", type=int, default=20, help="how many functions to list (default 20)")
    options = parser.parse_args()
    symbols = Symbols(options.program)
    parts, functions = collections.Counter(), collections.Counter()
    for line in output_of("perf", "report", "-i", options.recording, "--stdio", "--percent-limit", "0",
                          "--sort", "dso,sym", "-F", "sample,dso,sym").splitlines():
        if found := LINE.match(line):
            count, file, kind, text = found.groups()
            symbol = text.strip()
            if kind != "k" and ".so" not in file:
                symbol = symbols.name(symbol)
            part = part_of(kind, file, symbol)
            parts[part] += int(count)
            functions[part, symbol.split("(")[0]] += int(count)
    total = max(sum(parts.values()), 1)
    print(f"{total} samples")
    for part, count in parts.most_common():
        print(f"{100 * count / total:6.2f} %  {part}")
    print()
    for (part, symbol), count in functions.most_common(options.top):
        print(f"{100 * count / total:6.2f} %  {part:10} {symbol[:100]}")


if __name__ == "__main__":
    main()
