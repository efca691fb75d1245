# SPDX-License-Identifier: MIT
# Fails when a public header breaks a promise of docs/versions.md that no compiler sees. Run as a script with ROOT.

cmake_minimum_required(VERSION 3.25)

set(problems "")
file(READ "${ROOT}/tests/surface/aggregates.cpp" aggregates)
file(
  GLOB_RECURSE files
  RELATIVE "${ROOT}/include"
  "${ROOT}/include/quoin/*.hpp")
if(NOT files)
  message(FATAL_ERROR "no header in ${ROOT}/include: ROOT is to be the source tree")
endif()
foreach(file IN LISTS files)
  file(READ "${ROOT}/include/${file}" text)
  # Brackets and semicolons would make CMake count a list of another length.
  string(REPLACE "[[nodiscard]]" "nodiscard" text "${text}")
  string(REGEX REPLACE "[][]" "" text "${text}")
  string(REPLACE ";" "," text "${text}")
  string(REPLACE "\n" ";" lines "${text}")

  if(NOT file MATCHES "^quoin/(version|export)\\.hpp$" AND text MATCHES "\n(namespace|#include <quoin/coro/)")
    string(REGEX MATCH "#include [^\n]*" first "${text}")
    if(NOT first STREQUAL "#include <quoin/version.hpp>")
      string(APPEND problems "${file}: the first include is <quoin/version.hpp>, for one clear error of old compilers\n")
    endif()
  endif()
  if(NOT file MATCHES "^quoin/detail/" AND text MATCHES "[Ll]ibrary's own use")
    string(APPEND problems "${file}: what is for the library's own use lives in quoin/detail or is private\n")
  endif()
  foreach(line IN LISTS lines)
    if(line MATCHES "^#include <(filesystem|fstream|iostream|regex|sstream)>")
      string(APPEND problems "${file}: includes <${CMAKE_MATCH_1}>, which everybody would have to read\n")
    endif()
    if(line MATCHES "^ *((static|virtual|friend|inline|constexpr|QUOIN_EXPORT) )*Result<.*[(]"
       OR line MATCHES "^ *((static|virtual|friend|inline|constexpr|QUOIN_EXPORT) )*Result<[^()]*>$")
      string(APPEND problems "${file}: [[nodiscard]] is missing:${line}\n")
    endif()
    if(NOT file MATCHES "^quoin/detail/" AND line MATCHES "^struct (QUOIN_EXPORT )?([A-Za-z0-9]+) {$")
      set(name "${CMAKE_MATCH_2}")
      # One has no members, the other has constructors.
      if(NOT name MATCHES "^(Clock|Field)$" AND NOT aggregates MATCHES "[^A-Za-z0-9]${name}{\\.")
        string(APPEND problems "${file}: ${name} is missing in tests/surface/aggregates.cpp\n")
      endif()
    endif()
  endforeach()
endforeach()

if(problems)
  message(FATAL_ERROR "Public headers that break a promise:\n${problems}")
endif()
list(LENGTH files count)
message(STATUS "${count} public headers keep their promises")
