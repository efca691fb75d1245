# SPDX-License-Identifier: MIT
# Compiler warnings for quoin's own sources. Not for the dependencies built beside them.

option(QUOIN_WERROR "Treat warnings in quoin's own sources as errors" OFF)

add_library(quoin_warnings INTERFACE)
target_compile_options(
  quoin_warnings
  INTERFACE -Wall
            -Wextra
            -Wno-missing-field-initializers # {.name = ...} leaves out what has a default, on purpose
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wsign-conversion
            -Wcast-qual
            -Wformat=2
            -Wimplicit-fallthrough
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wundef
            -Wvla
            # GCC 12 warns of an overlap in its own std::string, where a literal is put before a temporary.
            $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
            $<$<BOOL:${QUOIN_WERROR}>:-Werror>)
