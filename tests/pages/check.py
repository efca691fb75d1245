#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the code that stands in README.md and docs/.

Whole examples are included when the pages are made; short pieces cannot be, so each must be a part of pieces.cpp or of an
example, word for word but for the indentation. Both are compiled and run. The README's first program is the example
hello_server, without the comment at its head. A listing fits the page: 80 columns, but for what a program prints (text).
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LISTING = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST_PROGRAM = ROOT / "examples/hello_server.cpp"
COLUMNS = 80


def stripped(text):
    return "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def listings(page):
    """The language and the text of each listing of a page that stands there itself."""
    found = LISTING.findall(page.read_text(encoding="utf-8"))
    return [(language, text) for language, text in found if not text.startswith("--8<--")]


def check_first_program():
    program = FIRST_PROGRAM.read_text(encoding="utf-8")
    program = program[program.index("#include") :]
    shown = [text for language, text in listings(ROOT / "README.md") if language == "cpp"]
    if not shown or shown[0] != program:
        return [f"README.md: its first program is not {FIRST_PROGRAM.relative_to(ROOT)} from the first #include on"]
    return []


def main():
    sources = [ROOT / "tests/pages/pieces.cpp", *sorted(ROOT.glob("examples/*.cpp"))]
    examples = ["\n" + stripped(path.read_text(encoding="utf-8")) for path in sources]
    pieces = 0
    problems = check_first_program()
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]:
        name = page.relative_to(ROOT)
        for language, text in listings(page):
            if language != "text":
                problems += [f"{name}: wider than {COLUMNS}: {line}" for line in text.splitlines() if len(line) > COLUMNS]
            if language == "cpp":
                pieces += 1
                if not any("\n" + stripped(text) in example for example in examples):
                    problems.append(f"{name}: neither pieces.cpp nor an example has this:\n{text}")
    if pieces == 0:
        problems.append("no page has any code: has the form of the pages changed?")
    print("\n".join(problems) or f"{pieces} pieces, all of them compiled")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
