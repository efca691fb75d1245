#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Formats every C++ source of the tree with clang-format-19; with --check it only says which ones differ.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v clang-format-19 >/dev/null || {
  echo "format: clang-format-19 is missing; run scripts/setup.sh lint" >&2
  exit 1
}
mode=(-i)
[ "${1:-}" != --check ] || mode=(--dry-run -Werror)
git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.hpp' | xargs -0 -r clang-format-19 "${mode[@]}"
