# SPDX-License-Identifier: MIT
# Sees that cmake/check_layers.cmake finds what it is for. Copies the tree, plants forbidden includes in every room, in
# private and in public files, and expects that the check names each planted file, and no other.
# Run as a script with ROOT, the source tree, and SCRATCH, a folder that is its own.

cmake_minimum_required(VERSION 3.25)

# ---- What is forbidden ----------------------------------------------------------------------------------------------
# Written down here once more, not read from the check: a wrong rank there is to be noticed.

set(above_base tls)
set(above_io quic)
set(above_tls quic)
set(above_quic message)
set(above_message h3)
set(above_h3 http)
set(above_loop plain)
set(above_http client)
set(above_plain server)
set(above_simulated client)
set(above_client websocket)
set(above_server websocket)
set(above_websocket coro)
set(above_coro "")  # nothing is

# Rooms that share a rank do not know each other, and the engine does not know io.
set(beside_io tls)
set(beside_tls io)
set(beside_quic io)
set(beside_message io)
set(beside_h3 io loop)
set(beside_loop h3)
set(beside_http plain simulated)
set(beside_plain http simulated)
set(beside_simulated http plain)
set(beside_client server)
set(beside_server client)

set(headers_of_libraries
    ngtcp2/ngtcp2.h
    ngtcp2_conn.h
    nghttp3/nghttp3.h
    nghttp3_qpack.h
    openssl/ssl.h
    wslay/wslay.h
    liburing.h
    zlib.h
    brotli/decode.h
    idn2.h
    netinet/in.h
    sys/epoll.h
    netinet/udp.h
    linux/errqueue.h)
set(home_ngtcp2/ngtcp2.h quic)
set(home_ngtcp2_conn.h quic)
set(home_nghttp3/nghttp3.h h3)
set(home_nghttp3_qpack.h h3)
set(home_openssl/ssl.h tls)
set(home_wslay/wslay.h websocket)
set(home_liburing.h io)
set(home_zlib.h client)
set(home_brotli/decode.h client)
set(home_idn2.h http)
set(home_netinet/in.h base quic io)
set(home_sys/epoll.h io)
set(home_netinet/udp.h io)
set(home_linux/errqueue.h io)

# ---- Planting -------------------------------------------------------------------------------------------------------

file(REMOVE_RECURSE "${SCRATCH}")
file(COPY "${ROOT}/lib" "${ROOT}/include" DESTINATION "${SCRATCH}")
set(check "${CMAKE_COMMAND}" "-DROOT=${SCRATCH}" -P "${ROOT}/cmake/check_layers.cmake")
execute_process(COMMAND ${check} RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE output)
if(result)
  message(FATAL_ERROR "The copied tree is not clean before anything is planted:\n${output}")
endif()

set(planted)
set(serial 0)

# Adds a line to a file of the copy, which is made if it is not there; one line for each file, or one would hide another.
function(plant_in file line)
  if(file IN_LIST planted)
    message(FATAL_ERROR "${file} is planted already")
  endif()
  file(APPEND "${SCRATCH}/${file}" "${line}\n")
  set(planted ${planted} "${file}" PARENT_SCOPE)
endfunction()

# The same with a new file in `folder`.
macro(plant folder extension line)
  math(EXPR serial "${serial} + 1")
  plant_in("${folder}/planted_${serial}.${extension}" "${line}")
endmacro()

file(GLOB rooms RELATIVE "${ROOT}/lib" "${ROOT}/lib/*")
list(FILTER rooms EXCLUDE REGEX "\\.txt$")
foreach(room IN LISTS rooms)
  if(NOT DEFINED above_${room})
    message(FATAL_ERROR "lib/${room} is a new room: say above what it must not know")
  endif()
  set(private "lib/${room}")
  set(public "include/quoin/${room}")
  foreach(foreign IN LISTS above_${room} beside_${room})
    plant(${private} cpp "#include \"${foreign}/any.hpp\"")
    plant(${private}/deeper hpp "  #  include \"${foreign}/deeper/any.hpp\"")
    plant(${private} hpp "#include <quoin/${foreign}/any.hpp>")
    plant(${public} hpp "#include <quoin/${foreign}/any.hpp>")
  endforeach()
  foreach(header IN LISTS headers_of_libraries)
    if(NOT room IN_LIST home_${header})
      plant(${private} cpp "#include <${header}>")
      plant(${private} h "#include \"${header}\"")
    endif()
    plant(${public} hpp "#include <${header}>")
  endforeach()
  plant(${private} c "#include \"without_room.hpp\"")
  plant(${private} cpp "#include \"cellar/any.hpp\"")
  plant(${private} cpp "#include <quoin/unknown.hpp>")
  plant(${private} cpp "#include <quoin/transfer.hpp>")  # a signpost
  plant(${private} cpp "#include QUOIN_CHOSEN_HEADER")
  plant(${public} hpp "#include \"base/handle.hpp\"")
  plant(${public} hpp "#include <quoin/peer.hpp>")  # a signpost
endforeach()
plant(lib/cellar cpp "")
plant(lib cpp "")
plant(include/quoin/cellar hpp "")
plant(include/quoin hpp "")  # a header that is in no table
plant(include/other hpp "")

# Headers beside the folders belong to the rooms that the tables say. Signposts may have nothing but their include.
file(GLOB_RECURSE headers RELATIVE "${ROOT}" "${ROOT}/include/quoin/*.hpp")
set(counter 0)
foreach(header IN LISTS headers)
  math(EXPR counter "(${counter} + 1) % 2")
  file(STRINGS "${ROOT}/${header}" lines REGEX "^[^/]")
  if(lines MATCHES "^#pragma once;#include <[^>]+>$" OR counter)
    plant_in("${header}" "#include <openssl/ssl.h>")
  elseif(header MATCHES "/(coro|detail)")  # detail: some are of the highest room
    plant_in("${header}" "#include \"coro/any.hpp\"")
  else()
    plant_in("${header}" "#include <quoin/coro.hpp>")
  endif()
endforeach()

# ---- What the check says --------------------------------------------------------------------------------------------

execute_process(COMMAND ${check} RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE output)
file(REMOVE_RECURSE "${SCRATCH}")
if(NOT result)
  message(FATAL_ERROR "The check is content with a tree full of forbidden includes.")
endif()
set(unnoticed "")
foreach(file IN LISTS planted)
  string(FIND "${output}" " ${file}:" place)
  if(place EQUAL -1)
    string(APPEND unnoticed "  ${file}\n")
  endif()
endforeach()
if(unnoticed)
  message(FATAL_ERROR "The check does not see what was planted in\n${unnoticed}")
endif()
list(LENGTH planted count)
string(REGEX MATCHALL " (lib|include)/[^ ]+\\.[ch]p*:" named "${output}")
list(LENGTH named named_count)
if(NOT named_count EQUAL count)
  message(FATAL_ERROR "${count} files were planted and ${named_count} named:\n${output}")
endif()
message(STATUS "the check sees all ${count} forbidden includes")
