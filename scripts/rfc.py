#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Collects the sentences of RFCs that the code cites into docs/rfc.md: where each is kept, and which tests cite it too.

    scripts/rfc.py           writes the page's part between the markers
    scripts/rfc.py --check   says whether it is up to date (exit code 1 if not), and which citations are misspelt

A citation is `RFC 9000 §8.1.2`, in a comment or a text, perhaps of several sections (`RFC 9114 §4.2 and §4.3`) and over
the end of a line. Those of lib/ and include/ say where something is kept, those of tests/ and fuzz/ what is tested: a
section is tested when a test cites it, one above it or one below it. What nobody has done yet is cited as
`TODO: RFC 9000 §8.1.2`.
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/rfc.md"
BEGIN = "<!-- begin: scripts/rfc.py writes this part -->"
END = "<!-- end -->"

KEEPERS = ("lib", "include")
TESTS = ("tests", "fuzz")
SUFFIXES = {".c", ".cpp", ".h", ".hpp", ".py"}

SECTION = r"§(\d+(?:\.\d+)*|[A-Z](?:\.\d+)*)"
CITATION = re.compile(rf"(TODO: )?\bRFC (\d+)((?:(?:,| and| or)? {SECTION})*)")
# What looks like a citation and is not found, or not by grep.
MISSPELT = re.compile(r"\bRFC(?:-|  +)?\d{3}|\brfc ?\d{4}|§§|§ +\d|\b[Ss]ection \d+\.\d|(?<!draft's )\b[Aa]ppendix [A-Z]\b")
# The identifiers of libraries are spelt as they are.
NO_CITATION = re.compile(r"\bXN_FLAG_RFC2253\b")

TITLES = {
    768: "UDP",
    1071: "Internet checksum",
    1123: "requirements for hosts",
    1952: "gzip",
    2253: "distinguished names as text",
    3168: "ECN",
    3629: "UTF-8",
    3986: "URIs",
    4291: "IPv6 addresses",
    5890: "internationalised host names, the terms",
    5891: "internationalised host names",
    5892: "code points of host names",
    6066: "SNI",
    6455: "WebSockets",
    6585: "more status codes of HTTP",
    6724: "the order of addresses",
    7301: "ALPN",
    7464: "JSON text sequences (qlog)",
    7541: "Huffman codes and integers of HPACK",
    7838: "alternative services",
    8200: "IPv6",
    8259: "JSON",
    8297: "early hints",
    8305: "happy eyeballs",
    8441: "extended CONNECT",
    8446: "TLS 1.3",
    8470: "early data in HTTP",
    8899: "path MTU discovery",
    8999: "what all versions of QUIC share",
    9000: "QUIC",
    9001: "TLS in QUIC",
    9002: "loss detection, congestion control",
    9110: "HTTP semantics",
    9114: "HTTP/3",
    9204: "QPACK",
    9218: "priorities",
    9220: "WebSockets over HTTP/3",
    9221: "datagrams of QUIC",
    9297: "HTTP datagrams, capsules",
    9368: "version negotiation",
    9369: "QUIC version 2",
    9438: "CUBIC",
    9525: "names in certificates",
}

WHOLE = ()  # the document, not one of its sections


def text_of(path):
    """A source as one line: comments that go on in the next line are put together."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'"\n\s*"', "", text)  # string literals that go on
    return re.sub(r"\s*\n[ \t]*(?:///?<?|\*|#)?[ \t]*", " ", text)


def as_key(section):
    return tuple(section.split("."))


def order(key):
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in key]


def citations(path):
    """(TODO?, RFC, section) of each citation in a file."""
    for todo, number, sections, _ in CITATION.findall(text_of(path)):
        found = re.findall(SECTION, sections)
        for key in map(as_key, found) if found else [WHOLE]:
            yield bool(todo), int(number), key


def sources(folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and "corpus" not in path.parts:
                yield path


def collect():
    kept = collections.defaultdict(lambda: collections.defaultdict(set))
    tested = collections.defaultdict(lambda: collections.defaultdict(set))
    left = collections.defaultdict(lambda: collections.defaultdict(set))
    for folders, places in ((KEEPERS, kept), (TESTS, tested)):
        for path in sources(folders):
            name = path.relative_to(ROOT).as_posix()
            for todo, number, key in citations(path):
                (left if todo else places)[number][key].add(name)
    return kept, tested, left


def tests_of(key, tests):
    """The tests that cite a section, one above it or one below it; of the document as a whole, those that cite that."""
    found = set(tests.get(WHOLE, ())) if key == WHOLE else set()
    for other, names in tests.items():
        common = min(len(key), len(other))
        if other == key or (common > 0 and other[:common] == key[:common]):
            found |= names
    return found


def named(key):
    return "§" + ".".join(key) if key else "as a whole"


def listed(names):
    return "<br>".join(f"`{name}`" for name in sorted(names))


def generated():
    kept, tested, left = collect()
    untested = []
    lines = []
    for number in sorted({*kept, *left}):
        lines += [f"### RFC {number}: {TITLES.get(number, '')}".rstrip(": "), ""]
        lines += ["| | where it is kept | what tests it |", "|---|---|---|"]
        for key in sorted(kept[number], key=order):
            tests = tests_of(key, tested[number])
            by_section = key == WHOLE and not tests and tested[number]
            if not tests and not by_section:
                untested.append((number, key))
            told = "by section" if by_section else listed(tests)
            lines.append(f"| {named(key)} | {listed(kept[number][key])} | {told} |")
        for key in sorted(left[number], key=order):
            lines.append(f"| {named(key)} | to do: {listed(left[number][key])} | |")
        lines.append("")
    todo = [(number, key) for number in sorted(left) for key in sorted(left[number], key=order)]
    head = ["### What is left", ""]
    head += ["Not done: " + (enumerated(todo) or "nothing that the code knows of") + ".", ""]
    head += ["Kept, and cited by no test: " + (enumerated(untested) or "nothing") + ".", ""]
    return "\n".join(head + lines)


def enumerated(places):
    by_number = {}
    for number, key in places:
        by_number.setdefault(number, []).append(named(key))
    return "; ".join(f"RFC {number} {', '.join(keys)}" for number, keys in by_number.items())


def misspelt():
    for path in sources((*KEEPERS, *TESTS, "examples", "bench")):
        if path.suffix != ".py":
            for stray in re.finditer(r".{0,30}§.{0,15}", CITATION.sub("", text_of(path))):
                yield f"{path.relative_to(ROOT).as_posix()}: a section of which RFC? {stray[0].strip()}"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if MISSPELT.search(NO_CITATION.sub("", line)):
                yield f"{path.relative_to(ROOT).as_posix()}:{number}: write `RFC 9000 §8.1.2`: {line.strip()}"


def main(arguments):
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    new = f"{before}{BEGIN}\n\n{generated()}\n{END}{after}"
    if arguments == ["--check"]:
        problems = list(misspelt())
        if new != page:
            problems.append("docs/rfc.md is not up to date with the citations in the code: run scripts/rfc.py (make rfc)")
        print("\n".join(problems) or "docs/rfc.md is up to date")
        return 1 if problems else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    if new != page:
        PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
