# SPDX-License-Identifier: MIT
# Absorbs zlib's and brotli's decoders as liburing is absorbed: the static libraries are linked into one object, of which
# only the functions named here stay visible, with private names. A program may use zlib and brotli of its own beside it.
#
# Gives: QUOIN_HAS_COMPRESSION, QUOIN_COMPRESSION_OBJECT (the object), QUOIN_COMPRESSION_NAMES (a header with the private
# names, to be included before zlib.h and brotli/decode.h).

set(QUOIN_COMPRESSION "auto" CACHE STRING "Decoders for gzip and br: on, off, or auto (if zlib and brotli are there)")
set_property(CACHE QUOIN_COMPRESSION PROPERTY STRINGS auto on off)
set(QUOIN_HAS_COMPRESSION FALSE)
if(NOT QUOIN_COMPRESSION MATCHES "^(auto|on|off)$")
  message(FATAL_ERROR "QUOIN_COMPRESSION is ${QUOIN_COMPRESSION}; it can be auto, on or off.")
endif()

find_path(ZLIB_HEADER_DIR zlib.h)
find_path(BROTLI_HEADER_DIR brotli/decode.h)
find_library(ZLIB_ARCHIVE libz.a)
find_library(BROTLIDEC_ARCHIVE NAMES libbrotlidec.a libbrotlidec-static.a)
find_library(BROTLICOMMON_ARCHIVE NAMES libbrotlicommon.a libbrotlicommon-static.a)
mark_as_advanced(ZLIB_HEADER_DIR BROTLI_HEADER_DIR ZLIB_ARCHIVE BROTLIDEC_ARCHIVE BROTLICOMMON_ARCHIVE)
set(_why "")
if(QUOIN_COMPRESSION STREQUAL "off")
  set(_why "QUOIN_COMPRESSION is off")
elseif(NOT ZLIB_HEADER_DIR OR NOT ZLIB_ARCHIVE)
  set(_why "zlib.h or libz.a is missing (Debian: zlib1g-dev, scripts/setup.sh installs it)")
elseif(NOT BROTLI_HEADER_DIR OR NOT BROTLIDEC_ARCHIVE OR NOT BROTLICOMMON_ARCHIVE)
  set(_why "brotli/decode.h, libbrotlidec.a or libbrotlicommon.a is missing (Debian: libbrotli-dev, scripts/setup.sh "
           "installs it)")
  string(CONCAT _why ${_why})
endif()
if(_why)
  if(QUOIN_COMPRESSION STREQUAL "on")
    message(FATAL_ERROR "QUOIN_COMPRESSION is on, but ${_why}.")
  endif()
  message(STATUS "gzip and br: left out, ${_why}")
  return()
endif()
set(QUOIN_HAS_COMPRESSION TRUE)
message(STATUS "gzip and br: ${ZLIB_ARCHIVE}, ${BROTLIDEC_ARCHIVE}")

# What lib/content_decoder.cpp calls.
set(_quoin_compression_names
    inflate
    inflateEnd
    inflateInit2_
    inflateReset
    BrotliDecoderCreateInstance
    BrotliDecoderDecompressStream
    BrotliDecoderDestroyInstance)
set(QUOIN_COMPRESSION_NAMES "${_quoin_private_dir}/compression_names.h")
_quoin_write_header("${QUOIN_COMPRESSION_NAMES}" "private names for zlib and brotli" "${_quoin_compression_names}" quoin_)
set(_keep "${_quoin_private_dir}/compression_keep.txt")
set(_rename "${_quoin_private_dir}/compression_rename.txt")
list(TRANSFORM _quoin_compression_names PREPEND "quoin_" OUTPUT_VARIABLE _kept)
list(TRANSFORM _quoin_compression_names REPLACE "^(.+)$" "\\1 quoin_\\1" OUTPUT_VARIABLE _renamed)
list(JOIN _kept "\n" _kept_lines)
list(JOIN _renamed "\n" _renamed)
file(CONFIGURE OUTPUT "${_keep}" CONTENT "${_kept_lines}\n" @ONLY)
file(CONFIGURE OUTPUT "${_rename}" CONTENT "${_renamed}\n" @ONLY)

# A reference that is declared hidden makes the linker hide the symbol, and takes its part out of the archive.
set(_end ";")
list(JOIN _quoin_compression_names ", " _addresses)
list(JOIN _quoin_compression_names "(void), " _declarations)
file(
  CONFIGURE OUTPUT "${_quoin_private_dir}/compression_hidden.c"
  CONTENT
    "#pragma GCC visibility push(hidden)\nvoid ${_declarations}(void)@_end@\nvoid (*const quoin_compression_functions[])(void) = {${_addresses}}@_end@\n"
  @ONLY)
add_library(quoin_compression_hidden OBJECT "${_quoin_private_dir}/compression_hidden.c")
# A sanitizer would put bookkeeping of its own into it, which must not be hidden.
if(QUOIN_SANITIZE)
  target_compile_options(quoin_compression_hidden PRIVATE -fno-sanitize=all)
endif()
set_target_properties(quoin_compression_hidden PROPERTIES POSITION_INDEPENDENT_CODE ON EXPORT_COMPILE_COMMANDS OFF)

set(QUOIN_COMPRESSION_OBJECT "${CMAKE_CURRENT_BINARY_DIR}/compression.o")
add_custom_command(
  OUTPUT "${QUOIN_COMPRESSION_OBJECT}"
  COMMAND "${CMAKE_LINKER}" -r -o "${QUOIN_COMPRESSION_OBJECT}" "$<TARGET_OBJECTS:quoin_compression_hidden>"
          "${ZLIB_ARCHIVE}" "${BROTLIDEC_ARCHIVE}" "${BROTLICOMMON_ARCHIVE}"
  COMMAND "${CMAKE_OBJCOPY}" "--redefine-syms=${_rename}" "${QUOIN_COMPRESSION_OBJECT}"
  COMMAND "${CMAKE_OBJCOPY}" "--keep-global-symbols=${_keep}" "${QUOIN_COMPRESSION_OBJECT}"
  DEPENDS "$<TARGET_OBJECTS:quoin_compression_hidden>" "${ZLIB_ARCHIVE}" "${BROTLIDEC_ARCHIVE}"
          "${BROTLICOMMON_ARCHIVE}" "${_keep}" "${_rename}"
  COMMENT "Absorbing zlib and brotli"
  VERBATIM)
set_source_files_properties("${QUOIN_COMPRESSION_OBJECT}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
