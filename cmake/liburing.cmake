# SPDX-License-Identifier: MIT
# Absorbs liburing, if there is one that will do, as the other C libraries are absorbed: the static library is linked
# into one object, of which only the functions named here stay visible, with private names.
#
# Gives: QUOIN_HAS_URING, QUOIN_URING_OBJECT (the object), QUOIN_URING_NAMES (a header with the private names, to be
# included before liburing.h).

include(absorb)
include(CheckCSourceCompiles)
include(CMakePushCheckState)

quoin_choose(QUOIN_IO_URING auto "The io_uring backend: on, off, or auto (if liburing 2.3 or later is there)" _choice)
set(QUOIN_HAS_URING FALSE)

find_path(LIBURING_INCLUDE_DIR liburing.h)
find_library(LIBURING_LIBRARY liburing.a)
mark_as_advanced(LIBURING_INCLUDE_DIR LIBURING_LIBRARY)
set(_why "")
if(_choice STREQUAL "off")
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
  quoin_leave_out(QUOIN_IO_URING ${_choice} "io_uring: left out" "${_why}")
  return()
endif()
set(QUOIN_HAS_URING TRUE)
message(STATUS "io_uring: ${LIBURING_LIBRARY}")

# What lib/io/uring*.cpp call and the header does not define inline.
quoin_absorb(
  uring
  WHOLE
  TITLE "liburing"
  FUNCTIONS io_uring_get_probe_ring
            io_uring_free_probe
            io_uring_get_sqe
            io_uring_queue_exit
            io_uring_queue_init_params
            io_uring_register_buf_ring
            io_uring_register_eventfd
            io_uring_submit_and_get_events
            io_uring_submit_and_wait
            io_uring_submit_and_wait_timeout
            __io_uring_get_cqe
  ARCHIVES "${LIBURING_LIBRARY}")
