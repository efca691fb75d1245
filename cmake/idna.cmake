# SPDX-License-Identifier: MIT
# Absorbs libidn2 and libunistring, for host names beyond ASCII. Off unless asked for: they are under the LGPL (or GPL),
# which asks something of who passes on a program that has them in it.
#
# Gives: QUOIN_HAS_IDNA, QUOIN_IDNA_OBJECT (the object), QUOIN_IDNA_NAMES (a header with the private names, to be included
# before idn2.h).

include(absorb)

quoin_choose(QUOIN_IDNA off "Host names beyond ASCII by libidn2 (LGPL): on, off, or auto (if it is there)" _choice)
set(QUOIN_HAS_IDNA FALSE)

find_path(IDN2_HEADER_DIR idn2.h)
find_library(IDN2_ARCHIVE libidn2.a)
find_library(UNISTRING_ARCHIVE libunistring.a)
mark_as_advanced(IDN2_HEADER_DIR IDN2_ARCHIVE UNISTRING_ARCHIVE)
set(_why "")
if(_choice STREQUAL "off")
  set(_why "QUOIN_IDNA is off")
elseif(NOT IDN2_HEADER_DIR OR NOT IDN2_ARCHIVE)
  set(_why "idn2.h or libidn2.a is missing (Debian: libidn2-dev, scripts/setup.sh installs it)")
elseif(NOT UNISTRING_ARCHIVE)
  set(_why "libunistring.a is missing (Debian: libunistring-dev, scripts/setup.sh installs it)")
endif()
if(_why)
  quoin_leave_out(QUOIN_IDNA ${_choice} "Host names beyond ASCII: refused" "${_why}")
  return()
endif()
set(QUOIN_HAS_IDNA TRUE)
message(STATUS "Host names beyond ASCII: ${IDN2_ARCHIVE}, ${UNISTRING_ARCHIVE}")

# What lib/http/idna.cpp calls.
quoin_absorb(
  idna
  TITLE "libidn2 and libunistring"
  FUNCTIONS idn2_free idn2_lookup_u8
  ARCHIVES "${IDN2_ARCHIVE}" "${UNISTRING_ARCHIVE}")
