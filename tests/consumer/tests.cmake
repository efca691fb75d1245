# SPDX-License-Identifier: MIT
# Tests of the package (label consumer): the project in this folder is built against quoin as its users get it.
#
# Installed from this build, and from a build of the other library type, which add_subdirectory makes; found by
# find_package; through pkg-config; and beside libcurl and OpenSSL in one process. What links this build's own type
# from within its tree are the examples.

set(_here "${CMAKE_CURRENT_LIST_DIR}")
set(_out "${CMAKE_CURRENT_BINARY_DIR}/consumer")
if(BUILD_SHARED_LIBS)
  set(_own shared)
  set(_other static)
  set(_other_is_shared OFF)
else()
  set(_own static)
  set(_other shared)
  set(_other_is_shared ON)
endif()

# Configures, builds and runs the outside project in a folder of its own. Without a build type, for speed: what is tested
# is the package, not the code in it. Leaves the folder in _consumer.
function(_quoin_consumer name)
  cmake_parse_arguments(ARG "" "PROGRAM;NEEDS;PROVIDES" "OPTIONS" ${ARGN})
  set(test "consumer: ${name}")
  string(MAKE_C_IDENTIFIER "${name}" folder)
  set(folder "${_out}/${folder}")
  set(_consumer "${folder}" PARENT_SCOPE)
  add_test(
    NAME "${test}"
    COMMAND
      "${CMAKE_CTEST_COMMAND}" --build-and-test "${_here}" "${folder}" --build-generator Ninja --build-project
      quoin_consumer --build-makeprogram "${CMAKE_MAKE_PROGRAM}" --build-options -DCMAKE_BUILD_TYPE=
      "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}" "-DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}"
      "-DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}"
      "-DCMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER}" ${ARG_OPTIONS} --test-command
      "${folder}/${ARG_PROGRAM}")
  set_tests_properties("${test}" PROPERTIES LABELS consumer TIMEOUT 900)
  if(ARG_NEEDS)
    set_tests_properties("${test}" PROPERTIES FIXTURES_REQUIRED "${ARG_NEEDS}")
  endif()
  if(ARG_PROVIDES)
    set_tests_properties("${test}" PROPERTIES FIXTURES_SETUP "${ARG_PROVIDES}")
  endif()
endfunction()

function(_quoin_install name type build component provides)
  add_test(NAME "consumer: ${name}"
           COMMAND "${CMAKE_COMMAND}" "-DBUILD=${build}" "-DPREFIX=${_out}/prefix-${type}" "-DSUBDIRECTORY=${component}"
                   -P "${_here}/install.cmake")
  set_tests_properties("consumer: ${name}" PROPERTIES LABELS consumer TIMEOUT 60 FIXTURES_SETUP "${provides}")
endfunction()

# This build's type: installed, and found.
_quoin_install("${_own} library installs" ${_own} "${PROJECT_BINARY_DIR}" "" quoin_${_own})
# The other type comes from the build that add_subdirectory makes, in a project that unites its own sources.
_quoin_consumer(
  "${_other} library by add_subdirectory"
  PROGRAM fetch
  PROVIDES quoin_${_other}_build
  OPTIONS "-DCONSUMER_QUOIN_SOURCE=${PROJECT_SOURCE_DIR}" -DBUILD_SHARED_LIBS=${_other_is_shared} -DQUOIN_INSTALL=ON
          -DCMAKE_UNITY_BUILD=ON
          "-DQUOIN_DEPS_DIR=${QUOIN_DEPS_DIR}" "-DBORINGSSL_ROOT=${BORINGSSL_ROOT}")
_quoin_install("${_other} library installs" ${_other} "${_consumer}" quoin quoin_${_other})
set_tests_properties("consumer: ${_other} library installs" PROPERTIES FIXTURES_REQUIRED quoin_${_other}_build)

find_package(CURL QUIET)
find_package(OpenSSL 3 QUIET)
if(CURL_FOUND AND OPENSSL_FOUND)
  set(_beside_openssl ON)
else()
  set(_beside_openssl OFF)
endif()
find_program(PKG_CONFIG_EXECUTABLE pkg-config)
mark_as_advanced(PKG_CONFIG_EXECUTABLE)
foreach(_type static shared)
  _quoin_consumer(
    "${_type} library by find_package"
    PROGRAM fetch
    NEEDS quoin_${_type}
    PROVIDES quoin_${_type}_consumer
    OPTIONS "-DCMAKE_PREFIX_PATH=${_out}/prefix-${_type}" -DCONSUMER_OPENSSL=${_beside_openssl})
  if(_beside_openssl)
    foreach(_first quoin curl)
      set(_test "consumer: ${_type} library beside libcurl and OpenSSL, ${_first} first")
      add_test(NAME "${_test}" COMMAND "${_consumer}/beside_openssl" ${_first}-first)
      set_tests_properties("${_test}" PROPERTIES LABELS consumer TIMEOUT 60 FIXTURES_REQUIRED quoin_${_type}_consumer)
    endforeach()
  endif()
  if(PKG_CONFIG_EXECUTABLE)
    add_test(
      NAME "consumer: ${_type} library by pkg-config"
      COMMAND sh "${_here}/pkg-config.sh" "${CMAKE_CXX_COMPILER}" "${_out}/prefix-${_type}"
              "${CMAKE_INSTALL_LIBDIR}" "${_out}/pkg-config-${_type}")
    set_tests_properties("consumer: ${_type} library by pkg-config" PROPERTIES LABELS consumer TIMEOUT 120
                                                                               FIXTURES_REQUIRED quoin_${_type})
  endif()
  add_test(
    NAME "consumer: ${_type} library keeps its dependencies to itself"
    COMMAND "${CMAKE_COMMAND}" "-DNM=${CMAKE_NM}" "-DOBJDUMP=${CMAKE_OBJDUMP}" "-DTYPE=${_type}"
            "-DISOLATED=${QUOIN_TLS_ISOLATED}" "-DFOLDER=${_out}/prefix-${_type}/${CMAKE_INSTALL_LIBDIR}"
            -P "${_here}/check_symbols.cmake")
  set_tests_properties("consumer: ${_type} library keeps its dependencies to itself"
                       PROPERTIES LABELS consumer TIMEOUT 60 FIXTURES_REQUIRED quoin_${_type})
endforeach()
if(NOT _beside_openssl)
  message(STATUS "libcurl or OpenSSL is missing: the tests beside OpenSSL are left out (scripts/setup.sh test)")
endif()

# The tools, from where they were installed and with a bare environment.
foreach(_tool IN LISTS QUOIN_TOOLS)
  add_test(NAME "consumer: installed ${_tool} runs"
           COMMAND env -i "${_out}/prefix-${_own}/${CMAKE_INSTALL_BINDIR}/${_tool}" --help)
  set_tests_properties("consumer: installed ${_tool} runs" PROPERTIES LABELS consumer TIMEOUT 60
                                                                      FIXTURES_REQUIRED quoin_${_own})
endforeach()
