# SPDX-License-Identifier: MIT
# Absorbs zlib's and brotli's decoders as liburing is absorbed: the static libraries are linked into one object, of which
# only the functions named here stay visible, with private names. A program may use zlib and brotli of its own beside it.
#
# Gives: QUOIN_HAS_COMPRESSION, QUOIN_COMPRESSION_OBJECT (the object), QUOIN_COMPRESSION_NAMES (a header with the private
# names, to be included before zlib.h and brotli/decode.h).

include(absorb)

quoin_choose(QUOIN_COMPRESSION auto "Decoders for gzip and br: on, off, or auto (if zlib and brotli are there)" _choice)
set(QUOIN_HAS_COMPRESSION FALSE)

find_path(ZLIB_HEADER_DIR zlib.h)
find_path(BROTLI_HEADER_DIR brotli/decode.h)
find_library(ZLIB_ARCHIVE libz.a)
find_library(BROTLIDEC_ARCHIVE NAMES libbrotlidec.a libbrotlidec-static.a)
find_library(BROTLICOMMON_ARCHIVE NAMES libbrotlicommon.a libbrotlicommon-static.a)
mark_as_advanced(ZLIB_HEADER_DIR BROTLI_HEADER_DIR ZLIB_ARCHIVE BROTLIDEC_ARCHIVE BROTLICOMMON_ARCHIVE)
set(_why "")
if(_choice STREQUAL "off")
  set(_why "QUOIN_COMPRESSION is off")
elseif(NOT ZLIB_HEADER_DIR OR NOT ZLIB_ARCHIVE)
  set(_why "zlib.h or libz.a is missing (Debian: zlib1g-dev, scripts/setup.sh installs it)")
elseif(NOT BROTLI_HEADER_DIR OR NOT BROTLIDEC_ARCHIVE OR NOT BROTLICOMMON_ARCHIVE)
  set(_why "brotli/decode.h, libbrotlidec.a or libbrotlicommon.a is missing (Debian: libbrotli-dev, scripts/setup.sh "
           "installs it)")
  string(CONCAT _why ${_why})
endif()
if(_why)
  quoin_leave_out(QUOIN_COMPRESSION ${_choice} "gzip and br: left out" "${_why}")
  return()
endif()
set(QUOIN_HAS_COMPRESSION TRUE)
message(STATUS "gzip and br: ${ZLIB_ARCHIVE}, ${BROTLIDEC_ARCHIVE}")

# What lib/client/content_decoder.cpp calls.
quoin_absorb(
  compression
  TITLE "zlib and brotli"
  FUNCTIONS inflate
            inflateEnd
            inflateInit2_
            inflateReset
            BrotliDecoderCreateInstance
            BrotliDecoderDecompressStream
            BrotliDecoderDestroyInstance
  ARCHIVES "${ZLIB_ARCHIVE}" "${BROTLIDEC_ARCHIVE}" "${BROTLICOMMON_ARCHIVE}")
