#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that what the pages name exists: files, folders, headers, and the targets of links between pages.

A path may have `*` in it, and a word in capitals or <angle brackets> for a name that is yours to choose. Names that
begin elsewhere are for the pages that stand beside the file themselves (tests/interop/README.md). Released parts of the
change log are not looked at: they tell of the tree as it was. Files that comments name are checked as well, by the end of
their path, and the rooms in docs/architecture.md are those of cmake/check_layers.cmake.
"""

import fnmatch
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOPS = ("lib", "include", "tests", "examples", "docs", "scripts", "cmake", "fuzz", "bench", ".ci")
IGNORED = re.compile(r"\.git|\.deps|build.*|site|__pycache__")

PATH = re.compile(r"(?<![\w/.<~*-])(?:" + "|".join(map(re.escape, TOPS)) + r")/[\w./*<>-]*")
HEADER = re.compile(r"(?<![\w/])quoin/[\w/]+\.hpp")
CODE = re.compile(r"`([^`\n]+)`")
RELATIVE = re.compile(r"[\w./*<>-]+\.(?:cpp|hpp|c|h|py|sh|cmake|md)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+?)\s*$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"<\w+>|(?<![a-z])[A-Z]{3,}(?![a-z])")
COMMENT = re.compile(r"//.*")
NAMED_IN_COMMENT = re.compile(r"(?<![\w.<\"-])[\w/-]+\.(?:cpp|hpp|py)\b")
OWN_NAMES = {"README", "CHANGELOG", "CONTRIBUTING", "SECURITY", "LICENSE"}


def files_of_the_tree():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    known = listed.stdout.split("\0")
    if "README.md" in known:
        return sorted(name for name in known if name and (ROOT / name).is_file())
    found = []  # an archive of the sources, wherever it was unpacked
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not IGNORED.fullmatch(name)]
        found += [(pathlib.Path(folder) / name).relative_to(ROOT).as_posix() for name in names]
    return sorted(found)


FILES = files_of_the_tree()
SIGNPOSTS = re.search(r"set\(signposts ([^)]*)\)", (ROOT / "cmake/check_layers.cmake").read_text(encoding="utf-8"))[1].split()
PLACES = sorted({*FILES, *(parent.as_posix() for name in FILES for parent in pathlib.PurePath(name).parents)})


def pattern_of(path):
    parts = path.rstrip("/").split("/")
    stems = (PLACEHOLDER.sub("*", part) if part.split(".")[0] not in OWN_NAMES else part for part in parts)
    return "/".join(stems)


def exists(path):
    """Whether a file or folder of the tree has this path, in which a star stands for a part of one name."""
    pattern = pattern_of(path)
    if "*" not in pattern:
        return pattern in PLACES
    depth = pattern.count("/")
    return any(place.count("/") == depth and fnmatch.fnmatchcase(place, pattern) for place in PLACES)


def anchors_of(text):
    """The anchors of a page's headings, as MkDocs and GitHub make them."""
    titles = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def check_paths(page, text):
    for path in PATH.findall(text):
        path = path.rstrip(".,-")
        if not exists(path):
            yield f"{page}: there is no {path}"
    for header in HEADER.findall(text):
        if not exists(f"include/{header}"):
            yield f"{page}: there is no header <{header}>"
        elif header.removeprefix("quoin/").removesuffix(".hpp") in SIGNPOSTS and page not in ("CHANGELOG.md", "docs/versions.md"):
            yield f"{page}: <{header}> is a signpost only: name the header that it points to"


def check_relative_names(page, text):
    folder = pathlib.PurePath(page).parent.as_posix()
    for line in FENCE.sub("", text).splitlines():
        beside_a_path = line.startswith("|") and PATH.search(line)
        for code in CODE.findall(line):
            if not RELATIVE.fullmatch(code) or PATH.match(code) or HEADER.match(code):
                continue
            here = f"{folder}/{code}" if folder != "." else code
            if beside_a_path and not exists(here):
                yield f"{page}: {code}: write the whole path"
            elif folder.startswith(("tests", "fuzz", "bench")) and not exists(here):
                yield f"{page}: there is no {code} beside it"


def check_links(page, text):
    for link in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        folder = pathlib.PurePath(page).parent
        target = os.path.normpath(folder / path) if path else page
        if target not in PLACES:
            yield f"{page}: the link to {link} leads nowhere"
        elif anchor and anchor not in anchors_of((ROOT / target).read_text(encoding="utf-8")):
            yield f"{page}: {target} has no heading for {link}"


def check_comments():
    for name in FILES:
        if not name.startswith(("lib/", "include/", "tests/", "examples/", "fuzz/", "bench/")):
            continue
        if not name.endswith((".cpp", ".hpp", ".c", ".h")):
            continue
        for comment in COMMENT.findall((ROOT / name).read_text(encoding="utf-8")):
            if "://" in comment or "#include" in comment:
                continue
            for named in NAMED_IN_COMMENT.findall(comment):
                if not any(f"/{file}".endswith(f"/{named}") for file in FILES):
                    yield f"{name}: a comment names {named}, which does not exist"


def check_rooms():
    table = (ROOT / "cmake/check_layers.cmake").read_text(encoding="utf-8")
    drawing = FENCE.search((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))[0]
    floors = dict(re.findall(r"^(\d+)  (.*?)(?:  .*)?$", drawing, re.MULTILINE))
    ranks = re.findall(r"set\(rank_of_(\w+) (\d+)\)", table)
    if not ranks:
        yield "cmake/check_layers.cmake: has no ranks: has its form changed?"
    for room, rank in ranks:
        if room not in floors.get(rank, "").split(", "):
            yield f"docs/architecture.md: the drawing does not have {room} at rank {rank}"


def check_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for name in FILES:
        if name.startswith("docs/") and name.endswith(".md") and f": {name[5:]}\n" not in navigation:
            yield f"mkdocs.yml: {name} is not in its navigation"


def check_rules():
    """The integration rules that the code cites by number are in their page."""
    rules = (ROOT / "docs/integration-rules.md").read_text(encoding="utf-8")
    numbers = set(re.findall(r"^\| (\d+) \|", rules, re.MULTILINE))
    for name in FILES:
        if name.startswith(("lib/", "include/", "tests/")) and name.endswith((".cpp", ".hpp", ".c", ".h")):
            text = (ROOT / name).read_text(encoding="utf-8")
            for word, number in re.findall(r"(\w+)(?:\s+(?://+ )?)rule (\d+)", text):
                if word != "integration" or number not in numbers:
                    yield f"{name}: rule {number}: write `integration rule N`, N being one of docs/integration-rules.md"
            if re.search(r"\(rule \d", text):
                yield f"{name}: cites a rule without saying whose: write `integration rule N`"


def main():
    problems = [*check_comments(), *check_rooms(), *check_navigation(), *check_rules()]
    pages = [name for name in FILES if name.endswith(".md")]
    for page in pages:
        text = (ROOT / page).read_text(encoding="utf-8")
        if page == "CHANGELOG.md":
            text = "\n## ".join(text.split("\n## ")[:2])
        problems += [*check_paths(page, text), *check_relative_names(page, text), *check_links(page, text)]
    if len(pages) < 10:
        problems.append(f"only {len(pages)} pages were found: is this the source tree?")
    print("\n".join(problems) or f"{len(pages)} pages, and all that they name is there")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
