# SPDX-License-Identifier: MIT
# Which versions of ngtcp2 and nghttp3 a configuration takes: those in use here, under other numbers and with changes that a
# next version might bring. Only configures; the probe is built where a version gets that far. Run as a script with ROOT, the
# source tree; FOLDER, for what it makes; NGTCP2 and NGHTTP3, sources that work; C and CXX, the compilers.

cmake_minimum_required(VERSION 3.25)

set(deps "${FOLDER}/deps")
file(REMOVE_RECURSE "${FOLDER}")
file(STRINGS "${ROOT}/cmake/dependencies.cmake" pins REGEX "^set\\(QUOIN_[A-Z0-9]+_VERSION ")
foreach(pin IN LISTS pins)
  string(REGEX REPLACE "^set\\(QUOIN_([A-Z0-9]+)_VERSION (.*)\\)$" "pinned_\\1;\\2" pin "${pin}")
  set(${pin})
endforeach()

# Puts the sources of `name` into the folder of dependencies, alone, as `version`.
function(offer name version)
  string(TOUPPER ${name} upper)
  file(GLOB others "${deps}/${name}-*")
  if(others)
    file(REMOVE_RECURSE ${others})
  endif()
  set(tree "${deps}/${name}-${version}")
  file(COPY "${${upper}}/lib" "${${upper}}/COPYING" DESTINATION "${tree}")
  if(EXISTS "${${upper}}/crypto")
    file(COPY "${${upper}}/crypto" DESTINATION "${tree}")
  endif()
  file(WRITE "${tree}/lib/includes/${name}/version.h"
       "#define ${upper}_VERSION \"${version}\"\n#define ${upper}_VERSION_NUM 0\n")
endfunction()

function(edit file pattern replacement)
  file(READ "${file}" before)
  string(REGEX REPLACE "${pattern}" "${replacement}" after "${before}")
  if(after STREQUAL before)
    message(FATAL_ERROR "${file} has nothing like ${pattern} any more: change it here in another way")
  endif()
  file(WRITE "${file}" "${after}")
endfunction()

# Configures, and looks for what is to be said; the arguments behind `ends_well` are what is expected of the output.
function(configure case ends_well)
  execute_process(
    COMMAND
      "${CMAKE_COMMAND}" -S "${ROOT}" -B "${FOLDER}/build" -G Ninja "-DCMAKE_C_COMPILER=${C}" "-DCMAKE_CXX_COMPILER=${CXX}"
      "-DQUOIN_DEPS_DIR=${deps}" "-DBORINGSSL_ROOT=${BORINGSSL_ROOT}" -DFETCHCONTENT_FULLY_DISCONNECTED=ON
      -DQUOIN_BUILD_TESTS=OFF -DQUOIN_BUILD_TOOLS=OFF -DQUOIN_BUILD_EXAMPLES=OFF -DQUOIN_BUILD_BENCH=OFF -DQUOIN_INSTALL=OFF
      -DQUOIN_WEBSOCKET=OFF ${options}
    RESULT_VARIABLE result
    OUTPUT_VARIABLE text
    ERROR_VARIABLE text)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")
  if(ends_well AND NOT result EQUAL 0 OR NOT ends_well AND result EQUAL 0)
    message(FATAL_ERROR "${case}: the configuration ended with ${result}\n${text}")
  endif()
  foreach(expected IN LISTS ARGN)
    if(expected MATCHES "^not: (.*)$")
      if(text MATCHES "${CMAKE_MATCH_1}")
        message(FATAL_ERROR "${case}: it is said that ${CMAKE_MATCH_1}\n${text}")
      endif()
    elseif(NOT text MATCHES "${expected}")
      message(FATAL_ERROR "${case}: it is not said that ${expected}\n${text}")
    endif()
  endforeach()
  message(STATUS "${case}: as expected")
endfunction()

# All cases of one of the two, with changes of a type and of a behaviour: file, pattern, replacement, and what is said then.
function(try name)
  cmake_parse_arguments(ARG "" "" "TYPE;BEHAVIOUR" ${ARGN})
  string(TOUPPER ${name} upper)
  set(pinned ${pinned_${upper}})
  set(tree "${deps}/${name}-1.99.0")
  set(way_out "put ${name}-${pinned}.tar.xz" "-DQUOIN_TRUSTED_${upper}=1.99.0")
  set(options)

  offer(${name} 1.99.0)
  configure("a newer ${name} with nothing changed" TRUE "CMake Warning" "${name} 1.99.0 is not known to work" "It is taken"
            "Trying ${name} 1.99.0")
  configure("the same again" TRUE "It is taken" "not: Trying")

  list(POP_FRONT ARG_BEHAVIOUR file pattern replacement)
  edit("${tree}/lib/${file}" "${pattern}" "${replacement}")
  configure("a ${name} that behaves in another way" FALSE "${name} 1.99.0, in" "is refused" "do not do what quoin relies on"
            ${ARG_BEHAVIOUR} ${way_out})
  set(options -DQUOIN_TRUSTED_${upper}=1.99.0)
  configure("a ${name} that is trusted" TRUE "CMake Warning" "because QUOIN_TRUSTED_${upper} names it" "not: Trying")
  set(options -DQUOIN_TRUSTED_${upper}=)

  offer(${name} 1.99.0)
  list(POP_FRONT ARG_TYPE file pattern replacement)
  edit("${tree}/lib/${file}" "${pattern}" "${replacement}")
  configure("a ${name} with another type inside" FALSE "${name} 1.99.0, in" "is refused" "uses of its insides has changed"
            ${ARG_TYPE} ${way_out})
  file(WRITE "${deps}/${name}-${pinned}.tar.xz" "not what is pinned")
  configure("a tarball of the pinned ${name} beside it" FALSE "is not the release that is pinned" "not: Trying")

  offer(${name} 2.0.0)
  configure("a ${name} of another major version" FALSE "${name} 2.0.0, in .*is not used: quoin is written for version 1"
            "put ${name}-${pinned}.tar.xz")
  offer(${name} 1.2.0)
  configure("a ${name} that is too old" FALSE "${name} 1.2.0, in .*is not used: the oldest that quoin works with is ${pinned}"
            "put ${name}-${pinned}.tar.xz")
  offer(${name} ${pinned})
  configure("the pinned ${name}" TRUE "not: is not known to work" "not: Trying")
endfunction()

offer(nghttp3 ${pinned_NGHTTP3})
try(
  ngtcp2
  TYPE
  ngtcp2_rtb.h
  "size_t probe_pkt_left"
  "uint32_t probe_pkt_left"
  "reclaimed_datagrams.c uses"
  BEHAVIOUR
  ngtcp2_conn.c
  NGTCP2_RTB_ENTRY_FLAG_DATAGRAM
  NGTCP2_RTB_ENTRY_FLAG_NONE
  "reclaimed datagrams are found [^ ]+: BROKEN")
try(
  nghttp3
  TYPE
  nghttp3_qpack.h
  "size_t hard_max_dtable_capacity"
  "uint32_t hard_max_dtable_capacity"
  "qpack_peer_table.c uses"
  BEHAVIOUR
  nghttp3_qpack.c
  "encoder->ctx.hard_max_dtable_capacity / NGHTTP3_QPACK_ENTRY_OVERHEAD"
  "encoder->ctx.max_dtable_capacity / NGHTTP3_QPACK_ENTRY_OVERHEAD"
  "insert counts are encoded modulo [^:]+: BROKEN")
file(REMOVE_RECURSE "${FOLDER}")
