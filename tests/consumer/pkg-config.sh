#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds and runs a program with nothing but a compiler and pkg-config.
#
#   pkg-config.sh COMPILER PREFIX LIBDIR OUTPUT
set -eu

compiler=$1 prefix=$2 libdir=$3 output=$4
here=$(cd "$(dirname "$0")" && pwd)
PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
export PKG_CONFIG_PATH
mkdir -p "$(dirname "$output")"
# shellcheck disable=SC2046 # flags are words
"$compiler" -std=c++23 "$here/fetch.cpp" $(pkg-config --cflags quoin) -o "$output" $(pkg-config --libs quoin)
LD_LIBRARY_PATH=$prefix/$libdir "$output"
