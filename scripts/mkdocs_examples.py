# SPDX-License-Identifier: MIT
"""A hook of MkDocs: puts the examples into the pages that name them, without their licence line.

A page has a line  --8<-- "examples/NAME.cpp"  in a listing. It is the notation of pymdownx.snippets, which includes whole
files only in the version that Debian 12 has.
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)


def listing(match):
    text = (ROOT / match[1]).read_text(encoding="utf-8")
    licence, rest = text.split("\n", 1)
    return rest.rstrip("\n") if "SPDX-License-Identifier" in licence else text.rstrip("\n")


def on_page_markdown(markdown, **_):
    return INCLUDE.sub(listing, markdown)
