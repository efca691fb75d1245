# SPDX-License-Identifier: MIT
# Fails when a source breaks a rule of docs/style that no compiler or linter sees. Run as a script with ROOT.

cmake_minimum_required(VERSION 3.25)

set(problems "")
file(
  GLOB_RECURSE files
  RELATIVE "${ROOT}"
  "${ROOT}/include/*.hpp"
  "${ROOT}/lib/*.hpp"
  "${ROOT}/lib/*.cpp"
  "${ROOT}/examples/*.hpp"
  "${ROOT}/examples/*.cpp"
  "${ROOT}/tests/*.hpp"
  "${ROOT}/tests/*.cpp"
  "${ROOT}/fuzz/*.hpp"
  "${ROOT}/fuzz/*.cpp"
  "${ROOT}/bench/*.hpp"
  "${ROOT}/bench/*.cpp")
foreach(file IN LISTS files)
  file(READ "${ROOT}/${file}" text)
  # Brackets and semicolons would make CMake count a list of another length.
  string(REGEX REPLACE "[^\n]" "" newlines "${text}")
  string(LENGTH "${newlines}" lines)
  if(lines GREATER 500)
    string(APPEND problems "${file}: ${lines} lines; a file has one purpose and at most 500\n")
  endif()
  if(NOT text MATCHES "^// SPDX-License-Identifier: MIT\n///? ")
    string(APPEND problems "${file}: does not begin with the SPDX line and a paragraph on what the file is for\n")
  endif()
  if(text MATCHES "TODO\\(now\\)")
    string(APPEND problems "${file}: has a TODO(now)\n")
  endif()
endforeach()

# An example is read in one go, in a page of the guide: at most 80 columns, and fewer than 70 lines, which hold about as
# much as 60 lines of 100 columns.
file(GLOB examples RELATIVE "${ROOT}" "${ROOT}/examples/*.cpp")
file(GLOB_RECURSE parts RELATIVE "${ROOT}" "${ROOT}/examples/chat/*.?pp")
foreach(file IN LISTS examples parts)
  file(READ "${ROOT}/${file}" text)
  string(REGEX REPLACE "[^\n]" "" newlines "${text}")
  string(LENGTH "${newlines}" lines)
  if(lines GREATER_EQUAL 70 AND file IN_LIST examples)
    string(APPEND problems "${file}: ${lines} lines; an example has fewer than 70\n")
  endif()
  string(REPEAT "[^\n]" 81 too_wide)
  if(text MATCHES "(^|\n)(${too_wide})")
    string(APPEND problems "${file}: wider than 80 columns: ${CMAKE_MATCH_2}...\n")
  endif()
endforeach()

if(problems)
  message(FATAL_ERROR "Sources that break a rule of style:\n${problems}")
endif()
message(STATUS "all sources keep to the rules")
