# SPDX-License-Identifier: MIT
# Absorbs static C libraries: they are linked into one object, of which only the functions named stay visible, with
# private names. A program may use a version of its own of the same library beside it.

include_guard(GLOBAL)

# Declares the cache variable NAME, which says whether an optional library is absorbed: auto (if it is there), on or off,
# or like any other switch ON, FALSE and so on. Gives that word in OUT.
function(quoin_choose _name _default _text _out)
  set(${_name} "${_default}" CACHE STRING "${_text}")
  set_property(CACHE ${_name} PROPERTY STRINGS auto on off)
  string(TOLOWER "${${_name}}" _word)
  if(_word MATCHES "^(on|true|yes|1)$")
    set(_word on)
  elseif(_word MATCHES "^(off|false|no|0)$")
    set(_word off)
  elseif(NOT _word STREQUAL "auto")
    message(FATAL_ERROR "${_name} is ${${_name}}; it can be auto, on or off.")
  endif()
  set(${_out} ${_word} PARENT_SCOPE)
endfunction()

# Tells that the library is left out, and WHY; fails if NAME demands it.
function(quoin_leave_out _name _choice _what _why)
  if(_choice STREQUAL "on")
    message(FATAL_ERROR "${_name} is on, but ${_why}.")
  endif()
  message(STATUS "${_what}, ${_why}")
endfunction()

# Gives, for NAME in upper case: QUOIN_NAME_OBJECT (the object) and QUOIN_NAME_NAMES (a header with the private names, to
# be included before those of the libraries).
#
#   quoin_absorb(uring TITLE liburing FUNCTIONS io_uring_get_sqe... ARCHIVES FILE... [WHOLE])
#
# WHOLE takes all of the archives, not only what the functions need.
function(quoin_absorb _name)
  cmake_parse_arguments(_absorb "WHOLE" "TITLE" "FUNCTIONS;ARCHIVES" ${ARGN})
  string(TOUPPER "${_name}" _absorb_upper)
  set(_absorb_header "${_quoin_private_dir}/${_name}_names.h")
  set(_absorb_object "${CMAKE_CURRENT_BINARY_DIR}/${_name}.o")
  set(QUOIN_${_absorb_upper}_NAMES "${_absorb_header}" PARENT_SCOPE)
  set(QUOIN_${_absorb_upper}_OBJECT "${_absorb_object}" PARENT_SCOPE)
  _quoin_write_header("${_absorb_header}" "private names for ${_absorb_TITLE}" "${_absorb_FUNCTIONS}" quoin_)
  set(_keep "${_quoin_private_dir}/${_name}_keep.txt")
  set(_rename "${_quoin_private_dir}/${_name}_rename.txt")
  list(TRANSFORM _absorb_FUNCTIONS PREPEND "quoin_" OUTPUT_VARIABLE _kept)
  list(TRANSFORM _absorb_FUNCTIONS REPLACE "^(.+)$" "\\1 quoin_\\1" OUTPUT_VARIABLE _renamed)
  list(JOIN _kept "\n" _kept_lines)
  list(JOIN _renamed "\n" _renamed)
  file(CONFIGURE OUTPUT "${_keep}" CONTENT "${_kept_lines}\n" @ONLY)
  file(CONFIGURE OUTPUT "${_rename}" CONTENT "${_renamed}\n" @ONLY)

  # objcopy cannot hide a symbol, but a reference to one that is declared hidden makes the linker hide it, and takes its
  # part out of the archive.
  set(_end ";")
  list(JOIN _absorb_FUNCTIONS ", " _addresses)
  list(JOIN _absorb_FUNCTIONS "(void), " _declarations)
  file(
    CONFIGURE OUTPUT "${_quoin_private_dir}/${_name}_hidden.c"
    CONTENT
      "#pragma GCC visibility push(hidden)\nvoid ${_declarations}(void)@_end@\nvoid (*const quoin_${_name}_functions[])(void) = {${_addresses}}@_end@\n"
    @ONLY)
  add_library(quoin_${_name}_hidden OBJECT "${_quoin_private_dir}/${_name}_hidden.c")
  # A sanitizer would put bookkeeping of its own into it, which must not be hidden.
  if(QUOIN_SANITIZE)
    target_compile_options(quoin_${_name}_hidden PRIVATE -fno-sanitize=all)
  endif()
  set_target_properties(quoin_${_name}_hidden PROPERTIES POSITION_INDEPENDENT_CODE ON EXPORT_COMPILE_COMMANDS OFF)

  set(_whole "")
  if(_absorb_WHOLE)
    set(_whole --whole-archive)
  endif()
  add_custom_command(
    OUTPUT "${_absorb_object}"
    COMMAND "${CMAKE_LINKER}" -r -o "${_absorb_object}" "$<TARGET_OBJECTS:quoin_${_name}_hidden>" ${_whole}
            ${_absorb_ARCHIVES}
    COMMAND "${CMAKE_OBJCOPY}" "--redefine-syms=${_rename}" "${_absorb_object}"
    COMMAND "${CMAKE_OBJCOPY}" "--keep-global-symbols=${_keep}" "${_absorb_object}"
    DEPENDS "$<TARGET_OBJECTS:quoin_${_name}_hidden>" ${_absorb_ARCHIVES} "${_keep}" "${_rename}"
    COMMENT "Absorbing ${_absorb_TITLE}"
    VERBATIM)
  set_source_files_properties("${_absorb_object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
endfunction()
