# SPDX-License-Identifier: MIT
# QUOIN_SANITIZE instruments everything that is compiled here, the dependencies' sources included, so that a report
# never stops at the border between two libraries.

set(QUOIN_SANITIZE "" CACHE STRING "Sanitizers, comma separated as for -fsanitize=: address,undefined or thread")
set_property(CACHE QUOIN_SANITIZE PROPERTY STRINGS "" "address,undefined" "thread")

if(QUOIN_SANITIZE)
  add_compile_options(-fsanitize=${QUOIN_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${QUOIN_SANITIZE})
  if(QUOIN_SANITIZE MATCHES "undefined")
    # A finding must fail the test that caused it.
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
# Coverage feedback from the library as well, not from the fuzz target alone. The tests have no use for it.
add_library(quoin_fuzzed INTERFACE)
if(QUOIN_BUILD_FUZZERS)
  target_compile_options(quoin_fuzzed INTERFACE -fsanitize=fuzzer-no-link)
endif()
