#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Lints the sources with clang-tidy-19: every one that BUILD compiles, or those named (files or folders).
#
#   scripts/tidy.sh BUILD [PATH...]
#
# A file that was clean, and of which neither the text, the includes' text nor the settings have changed, is not read
# again, in whatever build or clone: $QUOIN_TIDY_CACHE (default ~/.cache/quoin-tidy) keeps a mark for each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

build=${1:?usage: scripts/tidy.sh BUILD [FILE...]}
shift
[ -f "$build/compile_commands.json" ] || {
  echo "tidy: $build/compile_commands.json is missing; configure first (cmake --preset default)" >&2
  exit 1
}
command -v clang-tidy-19 >/dev/null || {
  echo "tidy: clang-tidy-19 is missing; run scripts/setup.sh lint" >&2
  exit 1
}
marks=${QUOIN_TIDY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/quoin-tidy}
mkdir -p "$marks" "$build/tidy"
settings=$(cat .clang-tidy "$build"/private/*.h | sha256sum | cut -c1-64)

# What the verdict on a file depends on: its name, its text with comments (they may silence a check) and its includes
# put in by the preprocessor, and the settings. Not where the tree lies.
fingerprint() { # FILE COMMAND
  { echo "$settings" "$1"; sh -c "$2" 2>/dev/null || date +%N; } | sed "s|$root||g" | sha256sum | cut -c1-64
}

check() { # FILE
  local file=$1 log="$build/tidy/${1//\//_}.log" command print
  command=$(python3 - "$root/$file" "$build/tidy/compile_commands.json" <<'PY'
import json, shlex, sys
for entry in json.load(open(sys.argv[2])):
    if entry["file"] == sys.argv[1]:
        words = shlex.split(entry["command"])
        if words[0].endswith("ccache"):
            words = words[1:]
        cut = words.index("-o")
        del words[cut:cut + 2]
        print("cd", shlex.quote(entry["directory"]), "&&", shlex.join([w for w in words if w != "-c"] + ["-E", "-C", "-P"]))
        break
PY
  )
  print=$(fingerprint "$file" "$command")
  if [ -f "$marks/$print" ]; then
    touch "$marks/$print"
    return 0
  fi
  if clang-tidy-19 -p "$build/tidy" --quiet "$file" 2>"$log"; then
    rm -f "$log"
    touch "$marks/$print"
  else
    grep -v 'warnings generated\|warnings treated as errors' "$log" >&2 || true
    return 1
  fi
}

if [ "${QUOIN_TIDY_ONE:-}" = yes ]; then
  check "$1"
  exit
fi

# Marks that nobody asked for in a month.
find "$marks" -type f -mtime +30 -delete

mapfile -t files < <(git ls-files --cached --others --exclude-standard -- "$@" | grep '\.cpp$')
# Only what this build compiles has a command line. One is enough: clang-tidy reads a file that several targets compile
# once for each.
python3 - "$build/compile_commands.json" "$build/tidy/compile_commands.json" <<'PY'
import json, sys
commands = json.load(open(sys.argv[1]))
first = {entry["file"]: entry for entry in reversed(commands)}
json.dump(list(first.values()), open(sys.argv[2], "w"), indent=2)
PY
known=$(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$build/tidy/compile_commands.json")
chosen=()
for file in "${files[@]}"; do
  if grep -qxF "$root/$file" <<<"$known"; then chosen+=("$file"); fi
done
echo "tidy: ${#chosen[@]} files"
[ "${#chosen[@]}" -gt 0 ] || exit 0
export QUOIN_TIDY_ONE=yes
printf '%s\0' "${chosen[@]}" | xargs -0 -n 1 -P "${JOBS:-$(nproc)}" "$root/scripts/tidy.sh" "$build"
echo "tidy: clean"
