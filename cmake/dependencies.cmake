# SPDX-License-Identifier: MIT
# Where the sources of ngtcp2 and nghttp3 come from. Not how they are compiled: that is engine_dependencies.cmake.
#
# Sets NGTCP2_SOURCE_DIR and NGHTTP3_SOURCE_DIR. Looked for in this order, in QUOIN_DEPS_DIR (scripts/setup.sh fills it):
# the pinned version, unpacked or as a tarball; another one that is known to work; a newer 1.x that nobody has tried, which
# is taken, with a warning, when engine_probe.cmake finds nothing wrong with it. Else the pinned release is downloaded, unless
# FETCHCONTENT_FULLY_DISCONNECTED is on. Why so: docs/decisions/0010.

include(engine_probe)

# The pinned versions, which are also the oldest that will do; and all on which the whole test suite has passed. setup.sh
# reads these lines.
set(QUOIN_NGTCP2_VERSION 1.24.0)
set(QUOIN_NGTCP2_SHA256 7fa5ec2be0f0cbed8bc4ec89c0787dfa9d8ce678f1ed9477c52f30eb1a591207)
set(QUOIN_NGTCP2_KNOWN 1.24.0)
set(QUOIN_NGHTTP3_VERSION 1.15.0)
set(QUOIN_NGHTTP3_SHA256 6da0cd06b428d32a54c58137838505d9dc0371a900bb8070a46b29e1ceaf2e0f)
set(QUOIN_NGHTTP3_KNOWN 1.15.0)
set(QUOIN_TRUSTED_NGTCP2 "" CACHE STRING "Versions of ngtcp2 that are taken untried, on your own account")
set(QUOIN_TRUSTED_NGHTTP3 "" CACHE STRING "Versions of nghttp3 that are taken untried, on your own account")
mark_as_advanced(QUOIN_TRUSTED_NGTCP2 QUOIN_TRUSTED_NGHTTP3)

if(DEFINED ENV{QUOIN_DEPS_DIR})
  set(_quoin_default_deps "$ENV{QUOIN_DEPS_DIR}")
else()
  set(_quoin_default_deps "${PROJECT_SOURCE_DIR}/.deps")
endif()
set(QUOIN_DEPS_DIR "${_quoin_default_deps}" CACHE PATH "Tarballs and unpacked sources of the dependencies")

# What to do when a version is refused.
function(_quoin_way_out out name version)
  set(${out}
      "put ${name}-${version}.tar.xz from\n  https://github.com/ngtcp2/${name}/releases/download/v${version}/${name}-${version}.tar.xz\ninto ${QUOIN_DEPS_DIR}, where it goes first (scripts/setup.sh looks for it, too)"
      PARENT_SCOPE)
endfunction()

# Downloads the pinned release of a project into QUOIN_DEPS_DIR. `refused` says what was found there instead.
function(_quoin_download name version refused)
  set(url "https://github.com/ngtcp2/${name}/releases/download/v${version}/${name}-${version}.tar.xz")
  set(tarball "${QUOIN_DEPS_DIR}/${name}-${version}.tar.xz")
  if(FETCHCONTENT_FULLY_DISCONNECTED)
    set(code 1)
    set(text "FETCHCONTENT_FULLY_DISCONNECTED is on")
  else()
    message(STATUS "Downloading ${url}")
    file(DOWNLOAD "${url}" "${tarball}.part" STATUS status INACTIVITY_TIMEOUT 20 TIMEOUT 300)
    list(GET status 0 code)
    list(GET status 1 text)
  endif()
  if(NOT code EQUAL 0)
    file(REMOVE "${tarball}.part")
    _quoin_way_out(way_out ${name} ${version})
    message(FATAL_ERROR "${refused}The sources of ${name} ${version} are missing and could not be downloaded (${text}).\n"
                        "To go on, ${way_out}.")
  endif()
  file(RENAME "${tarball}.part" "${tarball}")
endfunction()

# Unpacks the pinned release, which is there as a tarball.
function(_quoin_unpack name version sha256)
  set(tarball "${QUOIN_DEPS_DIR}/${name}-${version}.tar.xz")
  file(SHA256 "${tarball}" actual)
  if(NOT actual STREQUAL sha256)
    message(FATAL_ERROR "${tarball} is not the release that is pinned.\n  expected ${sha256}\n  found    ${actual}\n"
                        "Delete it and configure again.")
  endif()
  file(ARCHIVE_EXTRACT INPUT "${tarball}" DESTINATION "${QUOIN_DEPS_DIR}")
endfunction()

# Sets `out` to the version that an unpacked tree says it has, or to nothing.
function(_quoin_version_of out name tree)
  set(${out} "" PARENT_SCOPE)
  set(header "${tree}/lib/includes/${name}/version.h")
  if(EXISTS "${tree}/COPYING" AND EXISTS "${header}")
    file(STRINGS "${header}" line REGEX "_VERSION \"" LIMIT_COUNT 1)
    if(line MATCHES "\"([0-9]+\\.[0-9]+[^\"]*)\"")
      set(${out} "${CMAKE_MATCH_1}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

# Sets `out` to a tree whose version nobody has tried, when that can be taken after all. `trees` is in the order of versions.
function(_quoin_take_untried out name trees)
  string(TOUPPER ${name} upper)
  set(pinned ${QUOIN_${upper}_VERSION})
  set(refused "")
  _quoin_way_out(way_out ${name} ${pinned})
  foreach(tree IN LISTS trees)
    _quoin_version_of(version ${name} "${tree}")
    set(problem "")
    if(version IN_LIST QUOIN_TRUSTED_${upper})
      set(why "because QUOIN_TRUSTED_${upper} names it; what quoin uses of its insides was not tried.")
    else()
      quoin_probe_engine(problem ${name} ${version} "${tree}")
      set(why "because the layouts that quoin uses of its insides are as expected, and the probe of what they do passes.")
    endif()
    if(problem STREQUAL "")
      string(REPLACE ";" ", " known "${QUOIN_${upper}_KNOWN}")
      message(
        WARNING
          "${name} ${version} is not known to work with quoin (${known} is). It is taken, from\n  ${tree}\n${why} "
          "Run the whole test suite before you rely on it. To build with ${pinned} instead, ${way_out}.")
      set(${out} "${tree}" PARENT_SCOPE)
      return()
    endif()
    string(APPEND refused "${name} ${version}, in ${tree}, is not known to work with quoin, and is refused: ${problem}\n")
  endforeach()
  message(FATAL_ERROR "${refused}To go on, ${way_out}; or take it as it is, on your own account: -DQUOIN_TRUSTED_${upper}=${version}.")
endfunction()

# Sets `out` to the folder with the sources of a project, unpacking or downloading when needed.
function(quoin_dependency_source out name)
  string(TOUPPER ${name} upper)
  set(pinned ${QUOIN_${upper}_VERSION})
  set(best "${QUOIN_DEPS_DIR}/${name}-${pinned}")
  set(tarball "${best}.tar.xz")
  set(known)
  set(untried)
  set(refused "")
  file(GLOB trees LIST_DIRECTORIES true "${QUOIN_DEPS_DIR}/${name}-*")
  list(SORT trees COMPARE NATURAL)
  foreach(tree IN LISTS trees)
    _quoin_version_of(version ${name} "${tree}")
    if(version STREQUAL "")
      continue()
    elseif(version STREQUAL pinned AND tree STREQUAL best)
      set(${out} "${best}" PARENT_SCOPE)
      return()
    elseif(version IN_LIST QUOIN_${upper}_KNOWN)
      set(known "${tree}")
    elseif(NOT version MATCHES "^1\\.")
      string(APPEND refused "${name} ${version}, in ${tree}, is not used: quoin is written for version 1.\n")
    elseif(version VERSION_LESS pinned)
      string(APPEND refused "${name} ${version}, in ${tree}, is not used: the oldest that quoin works with is ${pinned}.\n")
    else()
      list(APPEND untried "${tree}")
    endif()
  endforeach()

  if(EXISTS "${tarball}")
    _quoin_unpack(${name} ${pinned} ${QUOIN_${upper}_SHA256})
  elseif(known)
    set(best "${known}")
  elseif(untried)
    _quoin_take_untried(best ${name} "${untried}")
  else()
    if(refused)
      message(STATUS "${refused}")
    endif()
    _quoin_download(${name} ${pinned} "${refused}")
    _quoin_unpack(${name} ${pinned} ${QUOIN_${upper}_SHA256})
  endif()
  set(${out} "${best}" PARENT_SCOPE)
endfunction()

quoin_dependency_source(NGTCP2_SOURCE_DIR ngtcp2)
quoin_dependency_source(NGHTTP3_SOURCE_DIR nghttp3)
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
