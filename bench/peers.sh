#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Gets the servers that `make bench` compares quoin with beside ngtcp2's: nginx and Caddy, as Debian has them. They are
# unpacked into a folder of their own and not installed, for installed they would serve the machine's ports from then on.
# Does nothing when they are there already. Prints the folder with the two programs as the last line.
#
# QUOIN_BENCH_PEERS: where they go (default ~/.cache/quoin-bench-peers).
set -euo pipefail

cache=${QUOIN_BENCH_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/quoin-bench-peers}

say() { printf 'peers: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

fetch() { # PACKAGE PATH-IN-IT
  local name
  name=$(basename "$2")
  [ ! -x "$cache/$name" ] || return 0
  command -v apt-get >/dev/null || fail "$name comes from Debian's package $1, and there is no apt-get here; put it into $cache"
  say "fetching $1 from Debian into $cache"
  rm -rf "$cache/.part" && mkdir -p "$cache/.part"
  (cd "$cache/.part" && apt-get -qq -o APT::Sandbox::User=root download "$1" >apt.log 2>&1) ||
    fail "apt-get could not download $1 (apt-get update may help): $(tail -n 3 "$cache/.part/apt.log")"
  dpkg-deb -x "$cache"/.part/"$1"_*.deb "$cache/.part/root"
  mv "$cache/.part/root/$2" "$cache/$name"
  rm -rf "$cache/.part"
}

fetch nginx usr/sbin/nginx
fetch caddy usr/bin/caddy
echo "$cache"
