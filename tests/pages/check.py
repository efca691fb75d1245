#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that code which stands in a page itself is a part of pieces.cpp or an example, word for word but for the indentation.

Whole examples are included when the pages are made; short pieces cannot be. Both are compiled and run.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def stripped(text):
    return "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def main():
    sources = [ROOT / "tests/pages/pieces.cpp", *sorted(ROOT.glob("examples/*.cpp"))]
    examples = ["\n" + stripped(path.read_text(encoding="utf-8")) for path in sources]
    pieces = 0
    strangers = []
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            if block.startswith("--8<--"):
                continue
            pieces += 1
            if not any("\n" + stripped(block) in example for example in examples):
                strangers.append(f"{page.relative_to(ROOT)}: neither pieces.cpp nor an example has this:\n{block}")
    if pieces == 0:
        strangers.append("no page has any code: has the form of the pages changed?")
    print("\n".join(strangers) or f"{pieces} pieces, all of them compiled")
    return 1 if strangers else 0


if __name__ == "__main__":
    sys.exit(main())
