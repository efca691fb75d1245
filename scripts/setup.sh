#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs what quoin's build needs and fetches the sources of ngtcp2 and nghttp3. Asks nothing, says what it does, and
# is quick when nothing is missing. For Debian 12 and later; elsewhere it prints what to install.
#
#   scripts/setup.sh [GROUP...]      groups: build (default) test lint docs bench interop
#
# QUOIN_DEPS_DIR: where the sources go (default .deps in the source tree).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=${QUOIN_DEPS_DIR:-$root/.deps}
export DEBIAN_FRONTEND=noninteractive

# The pins are written down once, in CMake.
pin() { # VARIABLE
  sed -n "s/^set($1 \(.*\))\$/\1/p" "$root/cmake/dependencies.cmake"
}

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

packages_of() { # GROUP
  case $1 in
    build)
      echo "g++ make cmake ninja-build ccache ca-certificates xz-utils git libcli11-dev libwslay-dev zlib1g-dev libbrotli-dev" \
        "android-libboringssl-dev catch2 liburing-dev libidn2-dev libunistring-dev"
      ;;
    test) echo "libasio-dev libhiredis-dev redis-server libuv1-dev libcurl4-openssl-dev libssl-dev pkgconf openssl curl python3" ;;
    lint) echo "clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev shellcheck" ;;
    docs) echo "mkdocs-material doxygen" ;;
    bench) echo "clang-19 libc++-19-dev libev-dev pkgconf openssl iproute2 python3 curl nghttp2-client" ;;
    interop) ;;
    *) fail "unknown group '$1'; groups are: build test lint docs bench interop" ;;
  esac
}

list_for_other_systems() {
  cat >&2 <<'LIST'
setup: this script installs packages on Debian 12 or later only. Install these yourself:
  a C++23 compiler (GCC 12 or later, or clang 19), CMake 3.25, Ninja, make, git; ccache saves time
  BoringSSL or AWS-LC, with headers; point -DBORINGSSL_ROOT=PREFIX at it
  libwslay 1.1 (WebSockets), CLI11 2.1 (the tools), Catch2 3 (the tests), liburing 2.3 with its static library (the io_uring backend)
  zlib and brotli with their static libraries (compressed replies; can be left out)
  libidn2 and libunistring with their static libraries (host names beyond ASCII, with -DQUOIN_IDNA=on only)
  libcurl with OpenSSL, pkg-config, openssl, curl (the consumer tests)
  clang 19 with clang-tidy, clang-format and libFuzzer (make tidy, format, fuzz)
  Asio, libuv, hiredis with Redis (three of the examples)
  MkDocs Material 8, Doxygen 1.9 (make docs)
Then `cmake --workflow --preset dev` downloads ngtcp2 and nghttp3, builds and runs the tests.
LIST
  exit 1
}

# ---- Packages -------------------------------------------------------------------------------------------------------

installed_version() { # PACKAGE
  dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p'
}

# The plain suite of Debian 12 has older ones of these, which do not do.
is_new_enough() { # PACKAGE VERSION
  local least
  case $1 in
    catch2) least=3 ;;
    android-libboringssl-dev) least=14 ;;
    *) return 0 ;;
  esac
  dpkg --compare-versions "$2" ge "$least"
}

is_installed() { # PACKAGE
  local version
  version=$(installed_version "$1")
  [ -n "$version" ] && is_new_enough "$1" "$version"
}

# Whether the machine's own sources offer a package, new enough.
is_offered() { # PACKAGE
  local version
  version=$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p')
  [ -n "$version" ] && [ "$version" != "(none)" ] && is_new_enough "$1" "$version"
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo env DEBIAN_FRONTEND=noninteractive "$@"; fi
}

# The machine's own Debian mirror, with another type and other suites: what is written is a sources file for a private
# run of apt, so that the system's own configuration stays as it is. Prints the file's name.
write_private_sources() { # FOLDER TYPE SUITE...
  local folder=$1 type=$2 stanza line uri options='' suite
  shift 2
  stanza=$(awk -v RS= '/Types:[^\n]*deb/ && /Suites:[^\n]*/ && !/-security/ && !/Enabled: *no/ { print; exit }' \
    /etc/apt/sources.list.d/debian.sources 2>/dev/null | grep -v '^#' || true)
  if [ -n "$stanza" ]; then
    for suite in "$@"; do
      printf '%s\n' "$stanza" | sed -E "s/^Types:.*/Types: $type/; s/^Suites:.*/Suites: $suite/; s/^Components:.*/Components: main/"
      echo
    done >"$folder/private.sources"
    echo "$folder/private.sources"
    return
  fi
  line=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    grep -E '^deb[[:space:]].*[[:space:]]main([[:space:]]|$)' | grep -E 'debian' | grep -v -- '-security' | head -n 1 || true)
  if [[ $line =~ ^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+) ]]; then
    options=${BASH_REMATCH[1]} uri=${BASH_REMATCH[2]}
  else
    options='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ' uri=http://deb.debian.org/debian
  fi
  for suite in "$@"; do
    echo "$type $options$uri $suite main"
  done >"$folder/private.list"
  echo "$folder/private.list"
}

scratch=
make_scratch() {
  [ -z "$scratch" ] || return 0
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/quoin-setup.XXXXXX")
  # apt's lists belong to root when they were fetched through sudo.
  trap 'rm -rf "$scratch" 2>/dev/null || as_root rm -rf "$scratch"' EXIT
}

# The options that make apt read only the given sources, into lists of their own.
private_apt_options() { # SOURCES LISTS
  mkdir -p "$2/partial"
  printf '%s\n' -o Dir::Etc::sourcelist="$1" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$2" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root -o Acquire::Languages=none
}

# dpkg's report is long and says nothing when all is well.
apt_install() { # apt options and packages
  make_scratch
  as_root apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install "$@" </dev/null >"$scratch/install.log" 2>&1 || {
    tail -n 20 "$scratch/install.log" >&2
    return 1
  }
}

install_packages() { # PACKAGE...
  local package missing=() plain=() backports=() codename
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    fail "need root or sudo to install: ${missing[*]}"
  fi
  say "installing with apt-get: ${missing[*]}"

  for package in "${missing[@]}"; do
    if ! is_offered "$package"; then
      as_root apt-get -qq update </dev/null || say "apt-get update reported errors, going on"
      break
    fi
  done
  for package in "${missing[@]}"; do
    if is_offered "$package"; then plain+=("$package"); else backports+=("$package"); fi
  done
  if [ "${#plain[@]}" -gt 0 ] && ! apt_install "${plain[@]}"; then
    # The lists may be older than what the mirror still has.
    as_root apt-get -qq update </dev/null || true
    apt_install "${plain[@]}" || fail "apt-get could not install: ${plain[*]}"
  fi
  [ "${#backports[@]}" -gt 0 ] || return 0

  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  [ "$codename" = bookworm ] || fail "this system offers no ${backports[*]}"
  say "of these from $codename-backports, without changing the system's sources: ${backports[*]}"
  make_scratch
  local sources options
  sources=$(write_private_sources "$scratch" deb "$codename-backports")
  mapfile -t options < <(private_apt_options "$sources" "$scratch/backports")
  as_root apt-get "${options[@]}" -qq update </dev/null || fail "could not read the lists of $codename-backports"
  apt_install "${options[@]}" -t "$codename-backports" "${backports[@]}" ||
    fail "apt-get could not install: ${backports[*]}"
}

# ---- Sources of ngtcp2 and nghttp3 ----------------------------------------------------------------------------------

has_hash() { # FILE SHA256
  [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]
}

# Says, whatever else is said, that a version is used which nobody has tried.
notice_untried() { # NAME VERSION PINNED WHERE
  cat >&2 <<NOTICE
setup: WARNING: $1 $2 ($4) is not among the versions that quoin is known to work with.
setup: CMake tries what quoin uses of its insides, and refuses it when that has changed. To be sure, put
setup:   https://github.com/ngtcp2/$1/releases/download/v$3/$1-$3.tar.xz
setup: into $deps and run this again.
NOTICE
}

is_known() { # VERSION KNOWN
  [[ " $2 " == *" $1 "* ]]
}

# Whether sources are unpacked already: of the pinned version, of another that is known to work, or of a newer 1.x.
is_unpacked() { # NAME VERSION KNOWN
  local folder version untried=
  for folder in "$deps/$1"-1.*/; do
    [ -f "$folder/COPYING" ] || continue
    folder=$(basename "$folder")
    version=${folder#"$1-"}
    if is_known "$version" "$3"; then return 0; fi
    if dpkg --compare-versions "$version" ge "$2"; then untried=${untried:-$version}; fi
  done
  [ -n "$untried" ] || return 1
  notice_untried "$1" "$untried" "$2" "in $deps"
}

source_options=()
prepare_source_lists() {
  [ "${#source_options[@]}" -eq 0 ] || return 0
  make_scratch
  local sources
  sources=$(write_private_sources "$scratch" deb-src sid forky trixie-backports)
  mapfile -t source_options < <(private_apt_options "$sources" "$scratch/sources")
  # Archives that are mirrored as of some day have an expired date. Nothing rests on it: the pinned hash decides. One
  # suite missing is no reason to ignore the others.
  apt-get "${source_options[@]}" -qq -o Acquire::Check-Valid-Until=false update </dev/null || say "not every suite's source list could be read, going on"
}

# The versions that the source lists offer and that may do, with the rank of each: 0 the pinned one, 1 others that are known to
# work, 2 newer 1.x that nobody has tried, oldest first.
offered_versions() { # NAME VERSION KNOWN
  local version upstream
  apt-cache "${source_options[@]}" showsrc "$1" 2>/dev/null | sed -n 's/^Version: //p' | sort -uV |
    while read -r version; do
      upstream=${version%-*}
      if [ "$upstream" = "$2" ]; then
        echo "0 $version"
      elif is_known "$upstream" "$3"; then
        echo "1 $version"
      elif [[ $upstream == 1.* ]] && dpkg --compare-versions "$upstream" gt "$2"; then
        echo "2 $version"
      else
        say "$1 $version is offered and not used: quoin works with 1.x, from $2 on" >&2
      fi
    done | sort -s -n -k1,1
}

# Debian's orig tarball is upstream's release, byte for byte.
fetch_with_apt() { # NAME VERSION SHA256 KNOWN known|untried
  local name=$1 pinned=$2 sha256=$3 known=$4 which=$5 rank version upstream tarball
  prepare_source_lists
  while read -r rank version; do
    if [ "$rank" -eq 2 ] && [ "$which" != untried ]; then continue; fi
    if [ "$rank" -lt 2 ] && [ "$which" = untried ]; then continue; fi
    upstream=${version%-*}
    rm -rf "$scratch/download" && mkdir "$scratch/download"
    (cd "$scratch/download" &&
      apt-get "${source_options[@]}" -qq source --download-only --tar-only "$name=$version" </dev/null >/dev/null 2>&1) ||
      continue
    tarball=$(find "$scratch/download" -name "${name}_$upstream.orig.tar.?z*" ! -name '*.asc' | head -n 1)
    [ -n "$tarball" ] || continue
    if [ "$rank" -eq 0 ]; then
      has_hash "$tarball" "$sha256" || continue
      say "got $name $upstream from Debian (source package $version)"
    elif [ "$rank" -eq 1 ]; then
      say "NOTICE: $name $pinned is not offered any more; using $name $upstream (source package $version, verified by apt)"
    else
      notice_untried "$name" "$upstream" "$pinned" "Debian's source package $version, verified by apt"
    fi
    unpack "$tarball" "$name" "$upstream"
    return 0
  done < <(offered_versions "$name" "$pinned" "$known" 2>"$scratch/unused")
  [ "$which" = untried ] && cat "$scratch/unused" >&2
  return 1
}

fetch_from_upstream() { # NAME VERSION SHA256
  local url="https://github.com/ngtcp2/$1/releases/download/v$2/$1-$2.tar.xz" part="$deps/$1-$2.tar.xz.part"
  command -v curl >/dev/null || return 1
  if ! curl -fsSL --connect-timeout 8 --max-time 300 -o "$part" "$url" </dev/null 2>/dev/null || ! has_hash "$part" "$3"; then
    rm -f "$part"
    return 1
  fi
  mv "$part" "$deps/$1-$2.tar.xz"
  say "got $1 $2 from $url"
  unpack "$deps/$1-$2.tar.xz" "$1" "$2"
}

# Unpacks beside the final place and renames, so that a broken run leaves nothing half done.
unpack() { # TARBALL NAME VERSION
  rm -rf "$deps/.unpack" && mkdir -p "$deps/.unpack"
  tar -xf "$1" -C "$deps/.unpack" --no-same-owner
  rm -rf "${deps:?}/$2-$3"
  mv "$deps/.unpack/$2-$3" "$deps/$2-$3"
  rm -rf "$deps/.unpack"
}

# A version that nobody has tried is the last resort.
get_source() { # NAME VERSION SHA256 KNOWN
  mkdir -p "$deps"
  if has_hash "$deps/$1-$2.tar.xz" "$3"; then
    [ -f "$deps/$1-$2/COPYING" ] || unpack "$deps/$1-$2.tar.xz" "$1" "$2"
    return 0
  fi
  is_unpacked "$1" "$2" "$4" && return 0
  fetch_with_apt "$@" known || fetch_from_upstream "$1" "$2" "$3" || fetch_with_apt "$@" untried ||
    fail "could not get the sources of $1 $2, neither from Debian's mirror nor from GitHub.
Put https://github.com/ngtcp2/$1/releases/download/v$2/$1-$2.tar.xz into $deps and run this again."
}

# ---------------------------------------------------------------------------------------------------------------------

main() {
  local group packages=()
  [ "$#" -gt 0 ] || set -- build
  for group in "$@"; do
    # shellcheck disable=SC2207 # package names have no spaces
    packages+=($(packages_of "$group"))
  done
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    list_for_other_systems
  fi
  [ "${#packages[@]}" -eq 0 ] || install_packages "${packages[@]}"
  for group in "$@"; do
    case $group in
      build)
        get_source ngtcp2 "$(pin QUOIN_NGTCP2_VERSION)" "$(pin QUOIN_NGTCP2_SHA256)" "$(pin QUOIN_NGTCP2_KNOWN)"
        get_source nghttp3 "$(pin QUOIN_NGHTTP3_VERSION)" "$(pin QUOIN_NGHTTP3_SHA256)" "$(pin QUOIN_NGHTTP3_KNOWN)"
        ;;
      bench) "$root/bench/peers.sh" >/dev/null || say "benchmarks will have to do without nginx and Caddy" ;;
      interop) "$root/tests/interop/setup.sh" ;;
    esac
  done
}

main "$@"
