# SPDX-License-Identifier: MIT
# Absorbs liburing, if there is one that will do, as the other C libraries are absorbed: the static library is linked
# into one object, of which only the functions named here stay visible, with private names.
#
# Gives: QUOIN_HAS_URING, QUOIN_URING_OBJECT (the object), QUOIN_URING_NAMES (a header with the private names, to be
# included before liburing.h).

include(CheckCSourceCompiles)
include(CMakePushCheckState)

set(QUOIN_IO_URING "auto" CACHE STRING "The io_uring backend: on, off, or auto (if liburing 2.3 or later is there)")
set_property(CACHE QUOIN_IO_URING PROPERTY STRINGS auto on off)
set(QUOIN_HAS_URING FALSE)
if(NOT QUOIN_IO_URING MATCHES "^(auto|on|off)$")
  message(FATAL_ERROR "QUOIN_IO_URING is ${QUOIN_IO_URING}; it can be auto, on or off.")
endif()

find_path(LIBURING_INCLUDE_DIR liburing.h)
find_library(LIBURING_LIBRARY liburing.a)
mark_as_advanced(LIBURING_INCLUDE_DIR LIBURING_LIBRARY)
set(_why "")
if(QUOIN_IO_URING STREQUAL "off")
  set(_why "QUOIN_IO_URING is off")
elseif(NOT LIBURING_INCLUDE_DIR OR NOT LIBURING_LIBRARY)
  set(_why "liburing.h or liburing.a is missing (Debian: liburing-dev, scripts/setup.sh installs it)")
else()
  cmake_push_check_state(RESET)
  set(CMAKE_REQUIRED_INCLUDES "${LIBURING_INCLUDE_DIR}")
  set(CMAKE_REQUIRED_LIBRARIES "${LIBURING_LIBRARY}")
  check_c_source_compiles(
    "#include <liburing.h>
     int main(void) {
       io_uring_prep_recvmsg_multishot(0, 0, 0, 0);
       return io_uring_register_buf_ring(0, 0, 0) + IORING_SETUP_DEFER_TASKRUN;
     }"
    QUOIN_LIBURING_IS_NEW_ENOUGH)
  cmake_pop_check_state()
  if(NOT QUOIN_LIBURING_IS_NEW_ENOUGH)
    set(_why "${LIBURING_LIBRARY} is older than 2.3")
  endif()
endif()

if(_why)
  if(QUOIN_IO_URING STREQUAL "on")
    message(FATAL_ERROR "QUOIN_IO_URING is on, but ${_why}.")
  endif()
  message(STATUS "io_uring: left out, ${_why}")
  return()
endif()
set(QUOIN_HAS_URING TRUE)
message(STATUS "io_uring: ${LIBURING_LIBRARY}")

# What lib/io/uring*.cpp call and the header does not define inline.
set(_quoin_uring_names
    io_uring_get_probe_ring
    io_uring_free_probe
    io_uring_get_sqe
    io_uring_queue_exit
    io_uring_queue_init_params
    io_uring_register_buf_ring
    io_uring_register_eventfd
    io_uring_submit_and_get_events
    io_uring_submit_and_wait
    io_uring_submit_and_wait_timeout
    __io_uring_get_cqe)
set(QUOIN_URING_NAMES "${_quoin_private_dir}/uring_names.h")
_quoin_write_header("${QUOIN_URING_NAMES}" "private names for liburing" "${_quoin_uring_names}" quoin_)
set(_keep "${_quoin_private_dir}/uring_keep.txt")
set(_rename "${_quoin_private_dir}/uring_rename.txt")
list(TRANSFORM _quoin_uring_names PREPEND "quoin_" OUTPUT_VARIABLE _kept)
list(TRANSFORM _quoin_uring_names REPLACE "^(.+)$" "\\1 quoin_\\1" OUTPUT_VARIABLE _renamed)
list(JOIN _kept "\n" _kept_lines)
list(JOIN _renamed "\n" _renamed)
file(CONFIGURE OUTPUT "${_keep}" CONTENT "${_kept_lines}\n" @ONLY)
file(CONFIGURE OUTPUT "${_rename}" CONTENT "${_renamed}\n" @ONLY)

# objcopy cannot hide a symbol, but a reference to one that is declared hidden makes the linker hide it.
set(_end ";")
list(JOIN _quoin_uring_names ", " _addresses)
list(JOIN _quoin_uring_names "(void), " _declarations)
file(
  CONFIGURE OUTPUT "${_quoin_private_dir}/uring_hidden.c"
  CONTENT
    "#pragma GCC visibility push(hidden)\nvoid ${_declarations}(void)@_end@\nvoid (*const quoin_uring_functions[])(void) = {${_addresses}}@_end@\n"
  @ONLY)
add_library(quoin_uring_hidden OBJECT "${_quoin_private_dir}/uring_hidden.c")
# A sanitizer would put bookkeeping of its own into it, which must not be hidden.
if(QUOIN_SANITIZE)
  target_compile_options(quoin_uring_hidden PRIVATE -fno-sanitize=all)
endif()
set_target_properties(quoin_uring_hidden PROPERTIES POSITION_INDEPENDENT_CODE ON EXPORT_COMPILE_COMMANDS OFF)

set(QUOIN_URING_OBJECT "${CMAKE_CURRENT_BINARY_DIR}/liburing.o")
add_custom_command(
  OUTPUT "${QUOIN_URING_OBJECT}"
  COMMAND "${CMAKE_LINKER}" -r -o "${QUOIN_URING_OBJECT}" "$<TARGET_OBJECTS:quoin_uring_hidden>"
          --whole-archive "${LIBURING_LIBRARY}"
  COMMAND "${CMAKE_OBJCOPY}" "--redefine-syms=${_rename}" "${QUOIN_URING_OBJECT}"
  COMMAND "${CMAKE_OBJCOPY}" "--keep-global-symbols=${_keep}" "${QUOIN_URING_OBJECT}"
  DEPENDS "$<TARGET_OBJECTS:quoin_uring_hidden>" "${LIBURING_LIBRARY}" "${_keep}" "${_rename}"
  COMMENT "Absorbing liburing"
  VERBATIM)
set_source_files_properties("${QUOIN_URING_OBJECT}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
