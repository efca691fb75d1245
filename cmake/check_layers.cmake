# SPDX-License-Identifier: MIT
# Fails when an include crosses a border of the architecture. Run as a script with ROOT, the source tree.
#
# Each room has a rank. A file includes its own room and rooms of lower rank, less what the room is barred from, nothing
# else; there is no exception, and a room, a header or a folder that the tables do not know is an error.
# docs/architecture.md draws the rooms. tests/tree/check_layers_test.cmake sees that this finds what it should.

cmake_minimum_required(VERSION 3.25)

# ---- The tables -----------------------------------------------------------------------------------------------------

set(rank_of_base 0)
set(rank_of_io 1)
set(rank_of_tls 1)
set(rank_of_quic 2)
set(rank_of_message 3)
set(rank_of_h3 4)
set(rank_of_loop 4)
set(rank_of_http 5)
set(rank_of_plain 5)
set(rank_of_simulated 5)
set(rank_of_client 6)
set(rank_of_server 6)
set(rank_of_websocket 7)
set(rank_of_coro 8)

# The engine does no I/O: its rooms know nothing of these, though their ranks would let them.
set(barred_from_quic io)
set(barred_from_message io)
set(barred_from_h3 io)

# Public headers: a folder of include/quoin is the room of its name, and these are the headers beside the folders and in
# detail/, where each has the room of the header that it is a part of.
set(headers_of_base address bytes datagram error export file_path handle streaming time version)
set(headers_of_tls tls tls_info tls_request)
set(headers_of_message headers priority)
set(headers_of_loop loop stream tls_answer)
set(headers_of_http alt_svc connection_info url)
set(headers_of_plain connection dialer listener)
set(headers_of_simulated simulated)
set(headers_of_client client doctor)
set(headers_of_server request server workers)
set(headers_of_websocket websocket)
set(headers_of_coro
    coro
    detail/combine
    detail/operation
    detail/run_handler
    detail/run_task
    detail/task)

# Public headers that have moved leave a signpost for one minor version: nothing but an include of the new place, and
# nobody here follows it.
set(signposts io/simulated h3/headers h3/priority peer quic/tls quic/tls_request transfer)

# Third-party headers, and the rooms that may include them.
set(libraries ngtcp2 nghttp3 boringssl wslay liburing compression idn sockets addresses)
set(pattern_of_ngtcp2 "^(ngtcp2/|ngtcp2_)")
set(homes_of_ngtcp2 quic)
set(pattern_of_nghttp3 "^(nghttp3/|nghttp3_)")
set(homes_of_nghttp3 h3)
set(pattern_of_boringssl "^openssl/")
set(homes_of_boringssl tls)
set(pattern_of_wslay "^wslay/")
set(homes_of_wslay websocket)
set(pattern_of_liburing "^liburing")
set(homes_of_liburing io)
set(pattern_of_compression "^(zlib\\.h|brotli/)")
set(homes_of_compression client)
set(pattern_of_idn "^idn2\\.h")
set(homes_of_idn http)
# The formats of addresses are values: base prints and parses them, and quic hands them to ngtcp2.
set(pattern_of_addresses "^(sys/socket|netinet/in|arpa/inet)\\.h$")
set(homes_of_addresses base quic io)
set(pattern_of_sockets
    "^(sys/(epoll|uio|un|ioctl|eventfd)|netinet/(udp|tcp|ip.*)|net/.*|netdb|poll|linux/(errqueue|if.*|in.*|net.*|rtnetlink|sock.*|udp))\\.h$")
set(homes_of_sockets io)

# ---- The check ------------------------------------------------------------------------------------------------------

set(problems "")
set(rooms)
get_cmake_property(variables VARIABLES)
foreach(variable IN LISTS variables)
  if(variable MATCHES "^rank_of_(.+)$")
    list(APPEND rooms ${CMAKE_MATCH_1})
  elseif(variable MATCHES "^headers_of_(.+)$")
    set(room ${CMAKE_MATCH_1})
    foreach(header IN LISTS ${variable})
      set("room_of_header_${header}" ${room})
    endforeach()
  endif()
endforeach()

# Sets `out` to the room of a path below lib/ or include/quoin/, or to nothing when no table knows it.
function(room_of out path is_public)
  set(room "")
  if(is_public AND path MATCHES "^((detail/)?[a-z0-9_]+)\\.hpp$")
    set(room "${room_of_header_${CMAKE_MATCH_1}}")
  elseif(path MATCHES "^([a-z0-9_]+)/")
    set(room "${CMAKE_MATCH_1}")
  endif()
  if(NOT room IN_LIST rooms)
    set(room "")
  endif()
  set(${out} "${room}" PARENT_SCOPE)
endfunction()

# Reports what is wrong with one include of a file of `room`.
function(check_include file room bracket name)
  set(why "")
  set(target "")
  if(bracket STREQUAL "<" AND name MATCHES "^quoin/(.+)$")
    set(path "${CMAKE_MATCH_1}")
    string(REGEX REPLACE "\\.hpp$" "" signpost "${path}")
    room_of(target "${path}" TRUE)
    if(signpost IN_LIST signposts)
      set(why "only a signpost is left there; include what it points to")
    elseif(NOT target)
      set(why "no room is known for it; add the header to the tables of cmake/check_layers.cmake")
    endif()
  elseif(bracket STREQUAL "\"" AND NOT name MATCHES "${pattern_of_ngtcp2}|${pattern_of_nghttp3}")
    room_of(target "${name}" FALSE)
    if(file MATCHES "^include/")
      set(why "a public header includes public headers only, in angle brackets")
    elseif(NOT target)
      set(why "no room is known for it; write the path from lib/, and add a new room to cmake/check_layers.cmake")
    endif()
  else()
    foreach(library IN LISTS libraries)
      if(name MATCHES "${pattern_of_${library}}")
        if(file MATCHES "^include/")
          set(why "public headers show no type of ${library}")
        elseif(NOT room IN_LIST homes_of_${library})
          set(why "${library} is for lib/${homes_of_${library}} only")
        endif()
      endif()
    endforeach()
  endif()
  if(target AND NOT target STREQUAL room AND NOT rank_of_${target} LESS rank_of_${room})
    set(why "${room} (rank ${rank_of_${room}}) may not know ${target} (rank ${rank_of_${target}})")
  elseif(target AND target IN_LIST barred_from_${room})
    set(why "${room} may not know ${target}, whatever their ranks")
  endif()
  if(why)
    set(problems "${problems}${file}: includes ${name}\n    ${why}\n" PARENT_SCOPE)
  endif()
endfunction()

file(
  GLOB_RECURSE files
  RELATIVE "${ROOT}"
  "${ROOT}/lib/*.[ch]"
  "${ROOT}/lib/*.[ch]pp"
  "${ROOT}/include/*.hpp")
if(NOT files)
  message(FATAL_ERROR "no source in ${ROOT}: ROOT is to be the source tree")
endif()
foreach(file IN LISTS files)
  string(REGEX REPLACE "^include/quoin/(.+)\\.hpp$" "\\1" signpost "${file}")
  if(signpost IN_LIST signposts)
    file(STRINGS "${ROOT}/${file}" lines REGEX "^[^/]")
    if(NOT lines MATCHES "^#pragma once;#include <quoin/[a-z0-9_/]+\\.hpp>$")
      string(APPEND problems "${file}: a signpost is #pragma once and one include\n")
    endif()
    continue()
  endif()
  if(file MATCHES "^include/quoin/(.+)$")
    room_of(room "${CMAKE_MATCH_1}" TRUE)
  else()
    string(REGEX REPLACE "^(include|lib)/" "" path "${file}")
    room_of(room "${path}" FALSE)
  endif()
  if(NOT room)
    string(APPEND problems "${file}: is in no room that cmake/check_layers.cmake knows\n")
    continue()
  endif()
  file(STRINGS "${ROOT}/${file}" lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS lines)
    if(line MATCHES "^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]+)[>\"]")
      check_include("${file}" "${room}" "${CMAKE_MATCH_1}" "${CMAKE_MATCH_2}")
    else()
      string(APPEND problems "${file}: ${line}\n    an include names its header\n")
    endif()
  endforeach()
endforeach()

if(problems)
  message(FATAL_ERROR "Includes that cross a border:\n${problems}")
endif()
list(LENGTH files count)
message(STATUS "all includes of ${count} files keep to the layers")
