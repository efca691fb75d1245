#!/bin/sh
# SPDX-License-Identifier: MIT
# Gets the HTTP/3 peers of the interop tests: programs that nobody here wrote, from Debian.
#
#   setup.sh           installs what is missing; quick when nothing is
#   setup.sh --check   installs nothing; fails when something is missing
#
# Peers live in private folders below $QUOIN_INTEROP_DIR (default ~/.cache/quoin-interop) and run
# through the dynamic loader of their own suite. So no service is started, no package of the machine is
# replaced, and no root is needed for them. Only Chromium, openssl and python3 are installed for the
# machine, by apt-get, as root or through sudo.
set -eu

# What the root folder NAME is made of, and the programs it offers as $cache/bin/PROGRAM.
describe_root() { # NAME
  case $1 in
    bookworm)
      suites="bookworm bookworm-backports"
      packages="ngtcp2-client/bookworm-backports ngtcp2-server/bookworm-backports
        libngtcp2-16/bookworm-backports libngtcp2-crypto-gnutls8/bookworm-backports
        libnghttp3-9/bookworm-backports caddy"
      programs="gtlsclient=usr/bin/gtlsclient gtlsserver=usr/sbin/gtlsserver caddy=usr/bin/caddy"
      ;;
    trixie)
      suites="trixie"
      packages="curl nginx caddy haproxy python3 python3-aioquic python3-wsproto"
      programs="curl=usr/bin/curl nginx=usr/sbin/nginx caddy13=usr/bin/caddy
        haproxy=usr/sbin/haproxy aioquic-python=usr/bin/python3"
      ;;
  esac
}
machine_packages="chromium openssl python3"

cache=${QUOIN_INTEROP_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/quoin-interop}
recipe=2 # counts up when a change here makes old roots useless

say() { printf 'interop setup: %s\n' "$*"; }
fail() { printf 'interop setup: %s\n' "$*" >&2; exit 1; }

missing_machine_packages() {
  for package in $machine_packages; do
    command -v "$package" >/dev/null 2>&1 || printf '%s ' "$package"
  done
}

install_machine_packages() {
  missing=$(missing_machine_packages)
  [ -n "$missing" ] || return 0
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "need root or sudo to install: $missing"
    as_root=sudo
  fi
  say "installing for this machine, with apt-get: $missing"
  $as_root apt-get -qq update
  # shellcheck disable=SC2086 # a list of words is meant
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y --no-install-recommends install $missing >"$cache/apt.log" 2>&1 ||
    fail "apt-get failed; see $cache/apt.log"
}

# The mirror this machine uses for Debian itself, so that a local one is honoured.
debian_mirror() {
  # shellcheck disable=SC2016 # apt's own variables
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
  printf '%s' "${mirror:-http://deb.debian.org/debian/}"
}

stamp_of() { # NAME
  describe_root "$1"
  printf '%s' "$recipe $suites $packages $programs" | tr -s '\n ' ' '
}

root_is_ready() { # NAME
  [ -f "$cache/$1/stamp" ] && [ "$(cat "$cache/$1/stamp")" = "$(stamp_of "$1")" ]
}

# apt-get on lists, status and cache of our own: it resolves as on an empty machine.
private_apt() {
  apt-get -qq -y -o Dir::Etc::sourcelist="$work/debian.sources" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State="$work" -o Dir::State::status="$work/status" -o Dir::State::lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o APT::Architectures="$(dpkg --print-architecture)" \
    -o APT::Install-Recommends=false -o APT::Sandbox::User=root -o Debug::NoLocking=true "$@"
}

make_root() { # NAME
  describe_root "$1"
  work=$cache/$1.partial root=$cache/$1
  rm -rf "$work" "$root"
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root/usr"
  : >"$work/status"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$(debian_mirror)" \
    "$suites" /usr/share/keyrings/debian-archive-keyring.gpg >"$work/debian.sources"
  # shellcheck disable=SC2086 # a list of words is meant, here and below
  say "fetching from Debian $suites into $root:" $packages
  private_apt update
  # shellcheck disable=SC2086
  private_apt --download-only install $packages >"$work/apt.log" || fail "see $work/apt.log"
  for folder in bin sbin lib lib64; do
    mkdir -p "$work/root/usr/$folder"
    ln -s "usr/$folder" "$work/root/$folder"
  done
  for package in "$work"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$work/root"
  done
  mv "$work/root" "$root"
  for program in $programs; do
    write_wrapper "$root" "${program%%=*}" "${program#*=}"
  done
  stamp_of "$1" >"$root/stamp"
  rm -rf "$work"
}

write_wrapper() { # ROOT NAME PATH
  loader=$(find "$1/usr/lib64" "$1/usr/lib" -maxdepth 1 -name 'ld-linux*.so.*' | head -n 1)
  libraries=$(find "$1/usr/lib" -maxdepth 1 -name '*-linux-gnu')
  environment=
  case $2 in *python) environment="PYTHONNOUSERSITE=1 PYTHONHOME='$1/usr'" ;; esac
  mkdir -p "$cache/bin"
  printf '#!/bin/sh\n%s exec "%s" --library-path "%s" --argv0 "%s" "%s" "$@"\n' "$environment" \
    "$loader" "$libraries" "$2" "$1/$3" >"$cache/bin/$2"
  chmod +x "$cache/bin/$2"
}

list_versions() {
  say "peers in $cache:"
  "$cache/bin/curl" --version | sed -n '1s/^\([^ ]* [^ ]*\).* \(nghttp3[^ ]*\).*/  \1 \2/p'
  for program in caddy caddy13; do
    printf '  %s %s\n' "$program" "$("$cache/bin/$program" version)"
  done
  for root in bookworm trixie; do
    # Changelogs are the only place of a version that an unpacked package leaves behind.
    for package in ngtcp2-client libngtcp2-16 libnghttp3-9 nginx haproxy python3-aioquic python3-wsproto; do
      log=$cache/$root/usr/share/doc/$package/changelog.Debian.gz
      [ -f "$log" ] || continue
      zcat "$log" | sed -n "1s/^[^ ]* (\([^)]*\)).*/  $package \1 ($root)/p"
    done
  done
  printf '  %s\n' "$(chromium --version 2>/dev/null)" "$(openssl version)" "$(python3 --version)"
}

main() {
  ready=yes
  [ -z "$(missing_machine_packages)" ] || ready=no
  for root in bookworm trixie; do root_is_ready "$root" || ready=no; done
  if [ "${1:-}" = --check ]; then
    [ $ready = yes ] || fail "peers are missing; run tests/interop/setup.sh"
    list_versions
    return
  fi
  if [ $ready = no ]; then
    command -v apt-get >/dev/null ||
      fail "peers come from Debian packages; run the interop tests on Debian 12"
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
    install_machine_packages
    for root in bookworm trixie; do root_is_ready "$root" || make_root "$root"; done
  fi
  list_versions
}

main "$@"
