#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds the documentation into site/: the guide with MkDocs, the reference with Doxygen. Warnings are errors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rm -rf site
mkdocs build --quiet --strict
mkdir -p site/reference
doxygen docs/Doxyfile
echo "docs: site/index.html, reference in site/reference/index.html"
