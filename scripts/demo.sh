#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Shows quoin at work: serves a folder over HTTP/3 on a free port of this machine, fetches it, compares every byte.
#
#   scripts/demo.sh [FOLDER]      FOLDER has quoin-server and quoin-client (default build/bin)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=${1:-$here/build/bin}
[ -x "$bin/quoin-server" ] || bin=$bin/bin
small_files=1000
large_mib=100

step() { printf '\n== %s\n' "$*"; }
show() { # a command, with short names
  local shown=$*
  shown=${shown//$bin\//}
  printf '$ %s\n' "${shown//$work\//}"
}
fail() {
  printf 'demo: FAILED: %s\n' "$*" >&2
  if [ -s "$work/server.err" ]; then
    printf 'quoin-server said:\n' >&2
    tail -n 20 "$work/server.err" >&2
  fi
  exit 1
}
indent() { sed 's/^/  /'; }
milliseconds() { date +%s%3N; }

clean_up() {
  if [ -n "$server" ]; then
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/quoin-demo.XXXXXX")
server=
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for program in quoin-server quoin-client; do
  [ -x "$bin/$program" ] || fail "there is no $program in ${1:-$here/build/bin}; build it first"
done

make_files() {
  mkdir -p "$work/site/small" "$work/got/small"
  cat >"$work/site/index.html" <<'HTML'
<!doctype html>
<title>quoin</title>
<h1>Hello over HTTP/3</h1>
HTML
  head -c $((large_mib << 20)) /dev/urandom >"$work/site/large.bin"
  head -c $((small_files << 10)) /dev/urandom |
    split --bytes=1024 --suffix-length=4 --numeric-suffixes - "$work/site/small/"
}

start_server() {
  local command=("$bin/quoin-server" --listen 127.0.0.1:0 --root "$work/site" --self-signed --quiet)
  show "${command[@]}"
  "${command[@]}" >"$work/server.out" 2>"$work/server.err" &
  server=$!
  local deadline=$((SECONDS + 10))
  until port=$(sed -n 's/^listening on .*:\([0-9][0-9]*\)$/\1/p' "$work/server.out") && [ -n "$port" ]; do
    kill -0 "$server" 2>/dev/null || fail "quoin-server ended at once"
    [ "$SECONDS" -lt "$deadline" ] || fail "quoin-server did not say where it listens"
    sleep 0.02
  done
  indent <"$work/server.out"
}

# --insecure, since nobody has signed the certificate but the server itself.
fetch() {
  show "$bin/quoin-client" --insecure "$@"
  "$bin/quoin-client" --insecure "$@" 2>&1 | indent || fail "quoin-client ended with status $?"
}

same() { # NAME
  cmp "$work/site/$1" "$work/got/$1" || fail "$1 is not what the server has"
}

step "Making a page, a file of $large_mib MiB and $small_files files of 1 KiB"
make_files
printf '  %s in %s files\n' "$(du -sh --apparent-size "$work/site" | cut -f1)" "$(find "$work/site" -type f | wc -l)"

step "Starting a server"
start_server
url=https://localhost:$port

step "Fetching the page"
fetch -v --timing -o "$work/got/index.html" "$url/"
same index.html
indent <"$work/got/index.html"

step "Fetching the file of $large_mib MiB"
fetch --timing -o "$work/got/large.bin" "$url/large.bin"
same large.bin
printf '  sha256 %s, the same on both sides\n' "$(sha256sum <"$work/got/large.bin" | cut -d' ' -f1)"

step "Fetching $small_files files of 1 KiB on one connection"
mapfile -t urls < <(find "$work/site/small" -type f -printf "$url/small/%f\n" | sort)
command=("$bin/quoin-client" --insecure --parallel 100 --output-dir "$work/got/small")
show "${command[@]}" "${urls[0]}" ... "${urls[-1]}"
start=$(milliseconds)
"${command[@]}" "${urls[@]}" || fail "quoin-client ended with status $?"
elapsed=$(($(milliseconds) - start))
diff -r "$work/site/small" "$work/got/small" || fail "small files differ"
count=$(find "$work/got/small" -type f | wc -l)
[ "$count" -eq "$small_files" ] || fail "$count small files arrived instead of $small_files"
printf '  %s files in %s ms, every one the same on both sides\n' "$count" "$elapsed"

step "Stopping the server"
kill -TERM "$server"
status=0
wait "$server" || status=$?
server=
[ "$status" -eq 0 ] || fail "quoin-server ended with status $status"
printf '  it ended with status 0\n\nThe demo succeeded.\n'
