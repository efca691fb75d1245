# SPDX-License-Identifier: MIT
# Compiles ngtcp2, its BoringSSL helper and nghttp3 into object libraries that libquoin absorbs, and gives every symbol
# that crosses from them (or from BoringSSL) into quoin a private name. So nothing of theirs can meet another copy in
# the same program. Where the sources come from is decided in dependencies.cmake.
#
# Gives: quoin_ngtcp2, quoin_nghttp3 (object libraries); quoin_engine_api (headers and private names of both);
# quoin_tls_api (headers and private names of BoringSSL); QUOIN_TLS_LINK.

# ---- How BoringSSL is reached; the reasons are in lib/tls/library.hpp ---------------------------------------------

set(QUOIN_TLS_LINK "auto" CACHE STRING "How BoringSSL is linked: isolated (loaded privately), direct, or auto")
set_property(CACHE QUOIN_TLS_LINK PROPERTY STRINGS auto isolated direct)
set(_quoin_tls_link "${QUOIN_TLS_LINK}")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
  set(_quoin_tls_arch x86_64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(_quoin_tls_arch aarch64)
else()
  set(_quoin_tls_arch "")
endif()
if(_quoin_tls_link STREQUAL "auto")
  # Sanitizers refuse RTLD_DEEPBIND; a static BoringSSL cannot be loaded at all.
  if(BoringSSL_IS_SHARED AND _quoin_tls_arch AND NOT QUOIN_SANITIZE AND NOT QUOIN_BUILD_FUZZERS)
    set(_quoin_tls_link isolated)
  else()
    set(_quoin_tls_link direct)
  endif()
endif()
if(_quoin_tls_link STREQUAL "isolated")
  if(NOT BoringSSL_IS_SHARED)
    message(FATAL_ERROR "QUOIN_TLS_LINK=isolated needs a shared BoringSSL; ${BoringSSL_SSL_LIBRARY} is static. "
                        "Use QUOIN_TLS_LINK=direct.")
  elseif(NOT _quoin_tls_arch)
    message(FATAL_ERROR "QUOIN_TLS_LINK=isolated has no trampolines for ${CMAKE_SYSTEM_PROCESSOR}. "
                        "Use QUOIN_TLS_LINK=direct.")
  endif()
  set(QUOIN_TLS_ISOLATED TRUE)
elseif(_quoin_tls_link STREQUAL "direct")
  set(QUOIN_TLS_ISOLATED FALSE)
else()
  message(FATAL_ERROR "QUOIN_TLS_LINK is ${QUOIN_TLS_LINK}; it can be auto, isolated or direct.")
endif()
message(STATUS "BoringSSL: ${BoringSSL_SSL_LIBRARY} (${_quoin_tls_link})")

# ---- Private names --------------------------------------------------------------------------------------------------
# `#pragma redefine_extname` changes only the name that the assembler sees; code and headers stay as they are.

set(_quoin_private_dir "${PROJECT_BINARY_DIR}/private")

# Writes `lines` to `file`, leaving its time alone when nothing has changed.
function(_quoin_write_header file comment names prefix)
  list(TRANSFORM names REPLACE "^(.+)$" "#pragma redefine_extname \\1 ${prefix}\\1")
  list(JOIN names "\n" text)
  file(CONFIGURE OUTPUT "${file}" CONTENT "/* Generated: ${comment} */\n${text}\n" @ONLY)
endfunction()

file(GLOB_RECURSE _quoin_engine_texts "${NGTCP2_SOURCE_DIR}/lib/*.[ch]" "${NGTCP2_SOURCE_DIR}/crypto/shared.*"
     "${NGTCP2_SOURCE_DIR}/crypto/boringssl/*.c" "${NGTCP2_SOURCE_DIR}/crypto/includes/*.h"
     "${NGHTTP3_SOURCE_DIR}/lib/*.[ch]")
set(_quoin_engine_names)
foreach(_file IN LISTS _quoin_engine_texts)
  file(READ "${_file}" _text)
  string(REGEX MATCHALL "(ngtcp2|nghttp3|sfparse|sf)_[a-z0-9_]+" _names "${_text}")
  list(APPEND _quoin_engine_names ${_names})
  # Functions whose names are put together by a macro.
  string(REGEX MATCHALL "(ngtcp2|nghttp3)_objalloc_decl\\([a-z0-9_]+," _pools "${_text}")
  foreach(_pool IN LISTS _pools)
    string(REGEX REPLACE "^(.*)_decl\\(([a-z0-9_]+),$" "\\1_\\2" _pool "${_pool}")
    list(APPEND _quoin_engine_names "${_pool}_get" "${_pool}_len_get")
  endforeach()
  list(REMOVE_DUPLICATES _quoin_engine_names)
endforeach()
list(SORT _quoin_engine_names)
if(QUOIN_PRECOMPILE)
  # Clang forgets such names where it reads a precompiled header. What is built so is not for others to link.
  set(_quoin_engine_names)
endif()
_quoin_write_header("${_quoin_private_dir}/engine_names.h" "private names for ngtcp2 and nghttp3"
                    "${_quoin_engine_names}" quoin_)

add_library(quoin_engine_api INTERFACE)
target_compile_options(quoin_engine_api INTERFACE "SHELL:-include ${_quoin_private_dir}/engine_names.h")
target_compile_definitions(quoin_engine_api INTERFACE NGTCP2_STATICLIB NGHTTP3_STATICLIB)
target_include_directories(
  quoin_engine_api SYSTEM INTERFACE "${NGTCP2_SOURCE_DIR}/lib/includes" "${NGTCP2_SOURCE_DIR}/crypto/includes"
                                    "${NGHTTP3_SOURCE_DIR}/lib/includes")

add_library(quoin_tls_api INTERFACE)
target_include_directories(quoin_tls_api SYSTEM INTERFACE "${BoringSSL_INCLUDE_DIR}")
if(QUOIN_TLS_ISOLATED)
  execute_process(
    COMMAND "${CMAKE_NM}" -D --defined-only --format=posix "${BoringSSL_SSL_LIBRARY}" "${BoringSSL_CRYPTO_LIBRARY}"
    OUTPUT_VARIABLE _quoin_tls_exports COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "(^|\n)[A-Za-z][A-Za-z0-9_]* [TW] " _quoin_tls_names "${_quoin_tls_exports}")
  list(TRANSFORM _quoin_tls_names REPLACE "^\n?([^ ]+) .*$" "\\1")
  list(REMOVE_DUPLICATES _quoin_tls_names)
  list(SORT _quoin_tls_names)
  _quoin_write_header("${_quoin_private_dir}/tls_names.h" "private names for BoringSSL" "${_quoin_tls_names}" quoin_tls_)
  target_compile_options(quoin_tls_api INTERFACE "SHELL:-include ${_quoin_private_dir}/tls_names.h")
  # The libraries are named by their soname, as a program linked against them would.
  foreach(_library SSL CRYPTO)
    get_filename_component(_path "${BoringSSL_${_library}_LIBRARY}" REALPATH)
    execute_process(COMMAND "${CMAKE_OBJDUMP}" -p "${_path}" OUTPUT_VARIABLE _dump COMMAND_ERROR_IS_FATAL ANY)
    get_filename_component(_dir "${BoringSSL_${_library}_LIBRARY}" DIRECTORY)
    if(_dump MATCHES "SONAME +([^ \n]+)")
      set(QUOIN_TLS_${_library}_PATH "${_dir}/${CMAKE_MATCH_1}")
    else()
      set(QUOIN_TLS_${_library}_PATH "${_path}")
    endif()
  endforeach()
endif()

# ---- Compilation ----------------------------------------------------------------------------------------------------

include(engine_definitions)

# Their code is not ours to warn about; it is always optimised, as nobody debugs it here.
function(_quoin_absorb target)
  target_link_libraries(${target} PRIVATE quoin_engine_api quoin_fuzzed)
  target_compile_definitions(${target} PRIVATE ${_quoin_engine_definitions} _GNU_SOURCE)
  target_compile_options(${target} PRIVATE -w $<$<CONFIG:Debug>:-O2>)
  set_target_properties(
    ${target}
    PROPERTIES C_STANDARD 11
               C_VISIBILITY_PRESET hidden
               POSITION_INDEPENDENT_CODE ON
               EXPORT_COMPILE_COMMANDS OFF)
endfunction()

file(GLOB _quoin_ngtcp2_sources "${NGTCP2_SOURCE_DIR}/lib/*.c")
file(GLOB _quoin_ngtcp2_insides CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/quic/ngtcp2/*.c")
add_library(quoin_ngtcp2 OBJECT ${_quoin_ngtcp2_sources} "${NGTCP2_SOURCE_DIR}/crypto/boringssl/boringssl.c"
                                "${NGTCP2_SOURCE_DIR}/crypto/shared.c" ${_quoin_ngtcp2_insides})
_quoin_absorb(quoin_ngtcp2)
target_link_libraries(quoin_ngtcp2 PRIVATE quoin_tls_api)
target_include_directories(quoin_ngtcp2 PRIVATE "${NGTCP2_SOURCE_DIR}/lib" "${NGTCP2_SOURCE_DIR}/crypto" "${PROJECT_SOURCE_DIR}/lib")

file(GLOB _quoin_nghttp3_sources "${NGHTTP3_SOURCE_DIR}/lib/*.c" "${NGHTTP3_SOURCE_DIR}/lib/sfparse/*.c")
add_library(quoin_nghttp3 OBJECT ${_quoin_nghttp3_sources} "${PROJECT_SOURCE_DIR}/lib/h3/qpack_peer_table.c")
_quoin_absorb(quoin_nghttp3)
target_include_directories(quoin_nghttp3 PRIVATE "${NGHTTP3_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}/lib")
