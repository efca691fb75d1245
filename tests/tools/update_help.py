#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Puts what --help says into docs/tools/*.md. Usage: update_help.py BIN_DIR"""

import pathlib
import re
import subprocess
import sys

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "tools"

for tool in ("quoin-server", "quoin-client", "quoin-perf"):
    page = PAGES / f"{tool}.md"
    said = subprocess.run(
        [pathlib.Path(sys.argv[1]) / tool, "--help"], check=True, capture_output=True, text=True
    ).stdout
    block = f"<!-- help -->\n```text\n{said}```\n<!-- /help -->"
    page.write_text(re.sub(r"<!-- help -->\n.*<!-- /help -->", lambda _: block, page.read_text(), flags=re.S))
