# SPDX-License-Identifier: MIT
# Where the sources of ngtcp2 and nghttp3 come from. Not how they are compiled: that is engine_dependencies.cmake.
#
# Sets NGTCP2_SOURCE_DIR and NGHTTP3_SOURCE_DIR. Looked for in this order: an unpacked tree or a release tarball in
# QUOIN_DEPS_DIR (scripts/setup.sh puts them there), else the upstream project's release is downloaded.

set(QUOIN_NGTCP2_VERSION 1.24.0)
set(QUOIN_NGTCP2_SHA256 7fa5ec2be0f0cbed8bc4ec89c0787dfa9d8ce678f1ed9477c52f30eb1a591207)
set(QUOIN_NGHTTP3_VERSION 1.15.0)
set(QUOIN_NGHTTP3_SHA256 6da0cd06b428d32a54c58137838505d9dc0371a900bb8070a46b29e1ceaf2e0f)

if(DEFINED ENV{QUOIN_DEPS_DIR})
  set(_quoin_default_deps "$ENV{QUOIN_DEPS_DIR}")
else()
  set(_quoin_default_deps "${PROJECT_SOURCE_DIR}/.deps")
endif()
set(QUOIN_DEPS_DIR "${_quoin_default_deps}" CACHE PATH "Tarballs and unpacked sources of the dependencies")

# Downloads the pinned release of a project into QUOIN_DEPS_DIR.
function(_quoin_download name version sha256)
  set(url "https://github.com/ngtcp2/${name}/releases/download/v${version}/${name}-${version}.tar.xz")
  set(tarball "${QUOIN_DEPS_DIR}/${name}-${version}.tar.xz")
  message(STATUS "Downloading ${url}")
  file(DOWNLOAD "${url}" "${tarball}.part" STATUS status INACTIVITY_TIMEOUT 20 TIMEOUT 300)
  list(GET status 0 code)
  list(GET status 1 text)
  if(NOT code EQUAL 0)
    file(REMOVE "${tarball}.part")
    message(
      FATAL_ERROR
        "The sources of ${name} ${version} are missing and could not be downloaded (${text}).\n"
        "Run scripts/setup.sh (Debian), or put ${name}-${version}.tar.xz from\n  ${url}\ninto ${QUOIN_DEPS_DIR}.")
  endif()
  file(RENAME "${tarball}.part" "${tarball}")
endfunction()

# Sets `out` to the folder with the sources of a project, unpacking or downloading when needed.
function(quoin_dependency_source out name version sha256)
  set(pinned "${QUOIN_DEPS_DIR}/${name}-${version}")
  if(NOT EXISTS "${pinned}/COPYING")
    # A newer 1.x that the set-up script has taken because its suite no longer offers the pinned release.
    file(GLOB newer LIST_DIRECTORIES true "${QUOIN_DEPS_DIR}/${name}-1.*")
    list(SORT newer COMPARE NATURAL ORDER DESCENDING)
    foreach(candidate IN LISTS newer)
      get_filename_component(candidate_version "${candidate}" NAME)
      string(REPLACE "${name}-" "" candidate_version "${candidate_version}")
      if(EXISTS "${candidate}/COPYING" AND candidate_version VERSION_GREATER_EQUAL version)
        message(STATUS "Using ${name} ${candidate_version} instead of the pinned ${version}")
        set(${out} "${candidate}" PARENT_SCOPE)
        return()
      endif()
    endforeach()

    set(tarball "${QUOIN_DEPS_DIR}/${name}-${version}.tar.xz")
    if(NOT EXISTS "${tarball}")
      _quoin_download(${name} ${version} ${sha256})
    endif()
    file(SHA256 "${tarball}" actual)
    if(NOT actual STREQUAL sha256)
      message(FATAL_ERROR "${tarball} is not the release that is pinned.\n  expected ${sha256}\n  found    ${actual}\n"
                          "Delete it and configure again.")
    endif()
    file(ARCHIVE_EXTRACT INPUT "${tarball}" DESTINATION "${QUOIN_DEPS_DIR}")
  endif()
  set(${out} "${pinned}" PARENT_SCOPE)
endfunction()

quoin_dependency_source(NGTCP2_SOURCE_DIR ngtcp2 ${QUOIN_NGTCP2_VERSION} ${QUOIN_NGTCP2_SHA256})
quoin_dependency_source(NGHTTP3_SOURCE_DIR nghttp3 ${QUOIN_NGHTTP3_VERSION} ${QUOIN_NGHTTP3_SHA256})
if(QUOIN_WEBSOCKET)
  # A small C library without dependencies; Debian has it as a shared library only, so it is linked and not absorbed.
  find_path(WSLAY_INCLUDE_DIR wslay/wslay.h)
  find_library(WSLAY_LIBRARY wslay)
  mark_as_advanced(WSLAY_INCLUDE_DIR WSLAY_LIBRARY)
  if(NOT WSLAY_INCLUDE_DIR OR NOT WSLAY_LIBRARY)
    message(FATAL_ERROR "libwslay is missing. Install Debian's libwslay-dev (scripts/setup.sh does), "
                        "or leave WebSockets out with -DQUOIN_WEBSOCKET=OFF.")
  endif()
endif()
find_package(BoringSSL REQUIRED)
find_package(Threads REQUIRED)
