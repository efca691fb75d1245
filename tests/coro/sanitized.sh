#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles the tests of tasks, and the parts of the library that run them, with AddressSanitizer by a compiler of choice,
# links them with the library as it is, and runs them: what compilers do wrong with coroutines shows nowhere else.
# Usage: sanitized.sh SOURCE_TREE COMPILER LIBRARY...
set -eu
source=$1
compiler=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
launcher=
command -v ccache >/dev/null && launcher=ccache
for file in tests/coro/task_test.cpp lib/coro/task.cpp lib/coro/group.cpp; do
  # shellcheck disable=SC2086 # no launcher is no word
  $launcher "$compiler" -std=c++23 -O0 -g -fsanitize=address -fno-omit-frame-pointer -DQUOIN_STATIC \
    -I"$source/include" -I"$source/lib" -c "$source/$file" -o "$work/$(basename "$file").o"
done
"$compiler" -fsanitize=address "$work"/*.o "$@" -ldl -pthread -o "$work/tests"
"$work/tests"
