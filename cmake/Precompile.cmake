# SPDX-License-Identifier: MIT
# QUOIN_PRECOMPILE reads the standard library's headers once a target instead of once a source. For builds that are
# only tested: a missing include goes unnoticed in them, and the dependencies keep their names.

option(QUOIN_PRECOMPILE "Precompile the standard library's headers, for a build that is only tested" OFF)

# The headers that most sources of quoin read, and those named, which only this target's do.
function(quoin_precompile target visibility)
  if(QUOIN_PRECOMPILE)
    target_precompile_headers(
      ${target} ${visibility} <algorithm> <array> <chrono> <cstdint> <expected> <functional> <memory> <optional> <span>
      <string> <string_view> <utility> <vector> ${ARGN})
    # So that ccache can compare them, once its configuration has sloppiness = pch_defines,time_macros.
    target_compile_options(${target} ${visibility} $<$<COMPILE_LANG_AND_ID:CXX,Clang>:SHELL:-Xclang\ -fno-pch-timestamp>)
  endif()
endfunction()
