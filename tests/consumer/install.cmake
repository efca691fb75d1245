# SPDX-License-Identifier: MIT
# Installs BUILD (or only what its SUBDIRECTORY installs) into a fresh PREFIX. Run as a script.

cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE "${PREFIX}")
if(SUBDIRECTORY)
  set(BUILD "${BUILD}/${SUBDIRECTORY}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}" COMMAND_ERROR_IS_FATAL ANY)
foreach(licence ngtcp2 nghttp3 sfparse)
  if(NOT EXISTS "${PREFIX}/share/doc/quoin/licenses/${licence}.txt")
    message(FATAL_ERROR "the licence of ${licence}, whose code is in libquoin, was not installed")
  endif()
endforeach()
