# SPDX-License-Identifier: MIT
# Finds BoringSSL, or AWS-LC, which has the same API.
#
# Where it looks: BORINGSSL_ROOT (a prefix with include/ and lib/, or a source tree with a build/ folder), then the place
# where Debian's android-libboringssl-dev puts it (include/android and lib/<triplet>/android).
#
# Gives: BoringSSL::ssl, BoringSSL::crypto; BoringSSL_INCLUDE_DIR, BoringSSL_SSL_LIBRARY, BoringSSL_CRYPTO_LIBRARY;
# BoringSSL_IS_SHARED.

set(BORINGSSL_ROOT "" CACHE PATH "Prefix of a BoringSSL to use instead of the system's")

set(_boringssl_suffixes android lib lib64 build build/ssl build/crypto)
if(BORINGSSL_ROOT)
  set(_boringssl_hints HINTS ${BORINGSSL_ROOT} NO_DEFAULT_PATH)
  set(_boringssl_include_suffixes include include/android)
else()
  set(_boringssl_hints)
  set(_boringssl_include_suffixes android)
  set(_boringssl_suffixes android)
endif()

find_path(BoringSSL_INCLUDE_DIR openssl/is_boringssl.h ${_boringssl_hints} PATH_SUFFIXES ${_boringssl_include_suffixes})
if(NOT BoringSSL_INCLUDE_DIR AND BORINGSSL_ROOT)
  # AWS-LC has no is_boringssl.h.
  find_path(BoringSSL_INCLUDE_DIR openssl/base.h ${_boringssl_hints} PATH_SUFFIXES ${_boringssl_include_suffixes})
endif()
# Without the suffix a plain search would find OpenSSL's libssl, which must never happen.
if(BORINGSSL_ROOT)
  find_library(BoringSSL_SSL_LIBRARY ssl ${_boringssl_hints} PATH_SUFFIXES ${_boringssl_suffixes})
  find_library(BoringSSL_CRYPTO_LIBRARY crypto ${_boringssl_hints} PATH_SUFFIXES ${_boringssl_suffixes})
else()
  set(_boringssl_dirs)
  foreach(_dir IN LISTS CMAKE_LIBRARY_ARCHITECTURE)
    list(APPEND _boringssl_dirs /usr/lib/${_dir}/android)
  endforeach()
  list(APPEND _boringssl_dirs /usr/lib/android)
  find_library(BoringSSL_SSL_LIBRARY ssl PATHS ${_boringssl_dirs} NO_DEFAULT_PATH)
  find_library(BoringSSL_CRYPTO_LIBRARY crypto PATHS ${_boringssl_dirs} NO_DEFAULT_PATH)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  BoringSSL
  REQUIRED_VARS BoringSSL_SSL_LIBRARY BoringSSL_CRYPTO_LIBRARY BoringSSL_INCLUDE_DIR
  REASON_FAILURE_MESSAGE
    "install Debian's android-libboringssl-dev (bookworm-backports) or set BORINGSSL_ROOT to the prefix of a BoringSSL")

if(BoringSSL_FOUND)
  if(BoringSSL_SSL_LIBRARY MATCHES "${CMAKE_STATIC_LIBRARY_SUFFIX}$")
    set(BoringSSL_IS_SHARED FALSE)
  else()
    set(BoringSSL_IS_SHARED TRUE)
  endif()
  if(NOT TARGET BoringSSL::crypto)
    find_package(Threads REQUIRED)
    add_library(BoringSSL::crypto UNKNOWN IMPORTED)
    set_target_properties(
      BoringSSL::crypto
      PROPERTIES IMPORTED_LOCATION "${BoringSSL_CRYPTO_LIBRARY}"
                 INTERFACE_INCLUDE_DIRECTORIES "${BoringSSL_INCLUDE_DIR}"
                 INTERFACE_LINK_LIBRARIES Threads::Threads)
    add_library(BoringSSL::ssl UNKNOWN IMPORTED)
    set_target_properties(
      BoringSSL::ssl
      PROPERTIES IMPORTED_LOCATION "${BoringSSL_SSL_LIBRARY}"
                 INTERFACE_INCLUDE_DIRECTORIES "${BoringSSL_INCLUDE_DIR}"
                 INTERFACE_LINK_LIBRARIES BoringSSL::crypto)
  endif()
endif()
mark_as_advanced(BoringSSL_INCLUDE_DIR BoringSSL_SSL_LIBRARY BoringSSL_CRYPTO_LIBRARY)
