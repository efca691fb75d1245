# SPDX-License-Identifier: MIT
# Tries a version of ngtcp2 or nghttp3 that nobody has built quoin with: whether the C files that use its insides compile
# against it, layout checks and all, and whether the probe of what those files rely on passes. docs/decisions/0010 says why.

set(_quoin_insides_of_ngtcp2 lib/quic/ngtcp2)
set(_quoin_probe_of_ngtcp2 tests/quic/ngtcp2_probe)
set(_quoin_insides_of_nghttp3 lib/h3)
set(_quoin_probe_of_nghttp3 tests/h3/nghttp3_probe)

# Sets `out` to the lines of `text` that match, not too many of them, indented.
function(_quoin_lines_of out text pattern)
  # What would end an element of a list, or join two.
  string(REPLACE ";" "," text "${text}")
  string(REGEX REPLACE "[][]" "|" text "${text}")
  string(REGEX MATCHALL "[^\n]*${pattern}[^\n]*" lines "${text}")
  list(REMOVE_DUPLICATES lines)
  list(SUBLIST lines 0 8 lines)
  list(JOIN lines "\n    " lines)
  set(${out} "\n    ${lines}" PARENT_SCOPE)
endfunction()

# Sets `out` to what is wrong with the sources of `name` in `tree`, or to nothing. What has passed is remembered by its bytes.
function(quoin_probe_engine out name version tree)
  set(insides "${PROJECT_SOURCE_DIR}/${_quoin_insides_of_${name}}")
  set(probe "${PROJECT_SOURCE_DIR}/${_quoin_probe_of_${name}}")
  file(GLOB engine_sources "${tree}/lib/*.c" "${tree}/lib/sfparse/*.c")
  file(GLOB engine_headers "${tree}/lib/*.h" "${tree}/lib/sfparse/*.h" "${tree}/lib/includes/${name}/*.h")
  file(GLOB inside_sources "${insides}/*.c")
  file(GLOB inside_headers "${insides}/*.h")
  file(GLOB probe_sources "${probe}/*.cpp")
  file(GLOB probe_headers "${probe}/*.hpp")
  if(NOT probe_sources)
    set(${out} "${probe}, which would try it, is missing." PARENT_SCOPE)
    return()
  endif()
  if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    set(${out} "it cannot be tried in a cross build without CMAKE_CROSSCOMPILING_EMULATOR." PARENT_SCOPE)
    return()
  endif()
  set(hashes "${CMAKE_C_COMPILER}")
  foreach(file IN LISTS engine_sources engine_headers inside_sources inside_headers probe_sources probe_headers)
    file(SHA256 "${file}" hash)
    list(APPEND hashes ${hash})
  endforeach()
  string(SHA256 hashes "${hashes}")
  if(hashes STREQUAL "${_quoin_passed_${name}}")
    set(${out} "" PARENT_SCOPE)
    return()
  endif()

  message(STATUS "Trying ${name} ${version}, which nobody has built quoin with")
  include(engine_definitions)
  list(TRANSFORM _quoin_engine_definitions PREPEND -D OUTPUT_VARIABLE definitions)
  set(options
      CMAKE_FLAGS
      "-DINCLUDE_DIRECTORIES=${tree}/lib\\;${tree}/lib/includes\\;${PROJECT_SOURCE_DIR}/lib"
      "-DCMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER}"
      "-DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}"
      COMPILE_DEFINITIONS
      ${definitions}
      -D_GNU_SOURCE
      -w)
  set(CMAKE_C_STANDARD 11)
  set(CMAKE_CXX_STANDARD 23)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  try_compile(fits SOURCES ${inside_sources} NO_CACHE OUTPUT_VARIABLE text ${options})
  if(NOT fits)
    _quoin_lines_of(lines "${text}" "error: ")
    set(${out} "what quoin uses of its insides has changed:${lines}" PARENT_SCOPE)
    return()
  endif()

  set(CMAKE_TRY_COMPILE_TARGET_TYPE EXECUTABLE)
  set(program "${PROJECT_BINARY_DIR}/CMakeFiles/quoin_${name}_probe${CMAKE_EXECUTABLE_SUFFIX}")
  try_compile(
    compiles
    SOURCES
    ${engine_sources}
    ${inside_sources}
    ${probe_sources}
    NO_CACHE
    OUTPUT_VARIABLE text
    ${options}
    COPY_FILE "${program}")
  if(NOT compiles)
    _quoin_lines_of(lines "${text}" "(error: |undefined reference)")
    set(${out} "the probe of what quoin uses of its insides does not compile:${lines}" PARENT_SCOPE)
    return()
  endif()
  execute_process(COMMAND ${CMAKE_CROSSCOMPILING_EMULATOR} "${program}" RESULT_VARIABLE result OUTPUT_VARIABLE report
                  ERROR_VARIABLE report)
  file(REMOVE "${program}")
  if(NOT result EQUAL 0)
    # What it died of, if it did, is the line that has no end.
    _quoin_lines_of(lines "${report}" "(BROKEN|ssertion|: $)")
    set(${out} "its insides do not do what quoin relies on (the probe ended with ${result}):${lines}" PARENT_SCOPE)
    return()
  endif()
  set(_quoin_passed_${name} "${hashes}" CACHE INTERNAL "The bytes of ${name} that have passed")
  set(${out} "" PARENT_SCOPE)
endfunction()
