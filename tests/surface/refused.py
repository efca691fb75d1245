#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a compiler that is too old says of each public header: one sentence, and nothing but the place where it stops."""

import pathlib
import subprocess
import sys


def complaint(command: list[str], header: str, sentence: str) -> str:
    """Why the compiler's answer is not as it should be; empty if it is."""
    source = f"#include <{header}>\nint main() {{}}\n"
    run = subprocess.run([*command, "-x", "c++", "-fsyntax-only", "-"], input=source, text=True, capture_output=True)
    errors = [line for line in run.stderr.splitlines() if "error:" in line]
    if run.returncode == 0:
        return "was compiled"
    if sentence not in errors[0]:
        return f"begins with: {errors[0]}"
    if len(errors) > 2 or len(run.stderr.splitlines()) > 20:
        return f"{len(errors)} errors in {len(run.stderr.splitlines())} lines"
    return ""


def main() -> int:
    include, sentence, *command = sys.argv[1:]
    command.append(f"-I{include}")
    headers = sorted(str(path.relative_to(include)) for path in pathlib.Path(include).rglob("*.hpp"))
    headers.remove("quoin/export.hpp")
    complaints = [(header, complaint(command, header, sentence)) for header in headers]
    for header, what in complaints:
        if what:
            print(f"{header}: {what}")
    print(f"{len(headers)} headers by {' '.join(command)}")
    return 1 if any(what for _, what in complaints) or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
