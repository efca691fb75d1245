#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds what `make bench` compares quoin with: the example programs of ngtcp2 (bsslclient, bsslserver) on the same
# ngtcp2, nghttp3 and BoringSSL as quoin's, outside the source tree. Does nothing when they are there already. Prints
# the folder they are in as the last line. scripts/setup.sh build bench must have run.
#
# QUOIN_BENCH_DIR: where it builds (default ~/.cache/quoin-bench).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=${QUOIN_DEPS_DIR:-$root/.deps}
cache=${QUOIN_BENCH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/quoin-bench}
jobs=${JOBS:-$(nproc)}

say() { printf 'baseline: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

source_of() { # NAME
  local folder
  folder=$(find "$deps" -maxdepth 1 -type d -name "$1-1.*" 2>/dev/null | sort -V | tail -n 1)
  [ -n "$folder" ] || fail "the sources of $1 are not in $deps; run scripts/setup.sh build bench"
  echo "$folder"
}

for tool in cmake ninja clang-19 clang++-19; do
  command -v "$tool" >/dev/null || fail "$tool is missing; run scripts/setup.sh build bench"
done

ngtcp2=$(source_of ngtcp2)
nghttp3=$(source_of nghttp3)
boringssl_include=/usr/include/android
boringssl_lib=$(dirname "$(find /usr/lib -path '*/android/libssl.so' -print -quit)")
[ -e "$boringssl_lib/libssl.so" ] || fail "BoringSSL is missing; run scripts/setup.sh build"

# The examples are C++23 beyond GCC 12's library, so clang and libc++ build them. What else they need to be told:
# - Their CMake checks for neither <netinet/udp.h> nor <netinet/ip.h>; without these two the examples are built without
#   receive offload and ECN, and several times slower. run.py checks at run time that offload is on.
# - Older releases of BoringSSL and nghttp3 have the same functions under an older name.
flags="-stdlib=libc++ -DHAVE_NETINET_UDP_H=1 -DHAVE_NETINET_IP_H=1"
grep -qs 'SSL_get_group_id' "$boringssl_include/openssl/ssl.h" ||
  flags+=" -DSSL_get_group_id=SSL_get_curve_id -DSSL_get_group_name=SSL_get_curve_name"
grep -qs 'nghttp3_conn_get_stream_priority2' "$nghttp3/lib/includes/nghttp3/nghttp3.h" ||
  flags+=" -Dnghttp3_conn_get_stream_priority2=nghttp3_conn_get_stream_priority"

build="$cache/ngtcp2"
stamp="$(basename "$ngtcp2") $(basename "$nghttp3") $boringssl_lib $flags"
if [ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ] && [ -x "$build/examples/bsslserver" ] &&
  [ -x "$build/examples/bsslclient" ]; then
  echo "$build/examples"
  exit 0
fi

say "building $(basename "$ngtcp2")'s example programs in $cache, once"
rm -rf "$cache" && mkdir -p "$cache"
log="$cache/build.log"
run() { "$@" >>"$log" 2>&1 || { tail -n 30 "$log" >&2 && fail "failed: $* (all of it in $log)"; }; }

common=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19
  -DENABLE_SHARED_LIB=OFF -DENABLE_STATIC_LIB=ON -DBUILD_TESTING=OFF -DCMAKE_INSTALL_LIBDIR=lib)
run cmake -S "$nghttp3" -B "$cache/nghttp3" "${common[@]}" -DENABLE_LIB_ONLY=ON -DCMAKE_INSTALL_PREFIX="$cache/prefix"
run cmake --build "$cache/nghttp3" --parallel "$jobs"
run cmake --install "$cache/nghttp3"

# The examples name the library, not the static target, so the linker is told where it will be. Brotli would compress
# certificates, which quoin does not do.
export PKG_CONFIG_PATH="$cache/prefix/lib/pkgconfig"
run cmake -S "$ngtcp2" -B "$build" "${common[@]}" -DENABLE_OPENSSL=OFF -DENABLE_BORINGSSL=ON \
  -DBORINGSSL_INCLUDE_DIR="$boringssl_include" \
  "-DBORINGSSL_LIBRARIES=$boringssl_lib/libssl.so;$boringssl_lib/libcrypto.so" \
  -DCMAKE_PREFIX_PATH="$cache/prefix" -DCMAKE_BUILD_RPATH="$boringssl_lib" \
  -DCMAKE_EXE_LINKER_FLAGS="-L$build/lib" "-DCMAKE_CXX_FLAGS=$flags" \
  -DCMAKE_DISABLE_FIND_PACKAGE_Libbrotlienc=ON -DCMAKE_DISABLE_FIND_PACKAGE_Libbrotlidec=ON
run cmake --build "$build" --parallel "$jobs" --target ngtcp2_static
run cmake --build "$build" --parallel "$jobs" --target bsslclient bsslserver
printf '%s\n' "$stamp" >"$cache/stamp"
echo "$build/examples"
