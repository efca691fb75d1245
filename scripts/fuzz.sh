#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs every libFuzzer program of BUILD for SECONDS, from the corpus in fuzz/corpus. What it finds that is new goes to
# BUILD/corpus, never into the tree; what breaks a target to BUILD/findings.
#
#   scripts/fuzz.sh BUILD SECONDS
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${1:?usage: scripts/fuzz.sh BUILD SECONDS}
seconds=${2:?usage: scripts/fuzz.sh BUILD SECONDS}
mkdir -p "$build/findings"
failed=0
found=0
for program in "$build"/fuzz/fuzz_*; do
  if [ ! -x "$program" ] || [ ! -f "$program" ]; then continue; fi
  found=1
  target=${program##*/fuzz_}
  mkdir -p "$build/corpus/$target"
  seeds=()
  [ ! -d "fuzz/corpus/$target" ] || seeds=("fuzz/corpus/$target")
  log="$build/fuzz-$target.log"
  if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$target-" "$build/corpus/$target" "${seeds[@]}" >"$log" 2>&1 </dev/null; then
    echo "fuzz: $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs, nothing found"
  else
    echo "fuzz: $target: FAILED, see $log" >&2
    tail -n 40 "$log" >&2
    failed=1
  fi
done
[ "$found" -eq 1 ] || {
  echo "fuzz: no fuzz programs in $build/fuzz; build with the fuzz preset" >&2
  exit 1
}
exit "$failed"
