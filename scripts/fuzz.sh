#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs every libFuzzer program of BUILD for SECONDS, $JOBS at a time (default: one a processor), from the corpus in
# fuzz/corpus. What it finds that is new goes to BUILD/corpus, never into the tree; what breaks a target to
# BUILD/findings.
#
#   scripts/fuzz.sh BUILD SECONDS
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${1:?usage: scripts/fuzz.sh BUILD SECONDS}
seconds=${2:?usage: scripts/fuzz.sh BUILD SECONDS}
mkdir -p "$build/findings"

run_one() { # PROGRAM
  local target=${1##*/fuzz_} log seeds=()
  log="$build/fuzz-$target.log"
  mkdir -p "$build/corpus/$target"
  [ ! -d "fuzz/corpus/$target" ] || seeds=("fuzz/corpus/$target")
  if "$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$target-" "$build/corpus/$target" "${seeds[@]}" >"$log" 2>&1 </dev/null; then
    echo "fuzz: $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs, nothing found"
    return 0
  fi
  echo "fuzz: $target: FAILED, see $log" >&2
  tail -n 40 "$log" >&2
  return 1
}

if [ "${QUOIN_FUZZ_ONE:-}" = yes ]; then
  run_one "${3:?}"
  exit
fi

programs=()
for program in "$build"/fuzz/fuzz_*; do
  if [ -x "$program" ] && [ -f "$program" ]; then programs+=("$program"); fi
done
[ "${#programs[@]}" -gt 0 ] || {
  echo "fuzz: no fuzz programs in $build/fuzz; build with the asan preset" >&2
  exit 1
}
export QUOIN_FUZZ_ONE=yes
printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P "${JOBS:-$(nproc)}" "scripts/fuzz.sh" "$build" "$seconds"
