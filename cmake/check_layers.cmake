# SPDX-License-Identifier: MIT
# Fails when an include crosses a border of the architecture. Run as a script with ROOT, the source tree.

cmake_minimum_required(VERSION 3.25)

set(third_party "<(ngtcp2|nghttp3|openssl|wslay|liburing|zlib|brotli|CLI|catch2)[/.]|<liburing")
set(sockets "<(sys/socket|sys/epoll|sys/uio|sys/un|sys/ioctl|sys/eventfd|netinet/[a-z0-9_]+|net/[a-z0-9_]+|netdb|arpa/inet|linux/[a-z0-9_/]+|poll)\\.h>")
set(problems "")

# Reports each include line of the files under `folder` (of `extensions`) that matches `forbidden`.
function(forbid why forbidden)
  foreach(pattern IN LISTS ARGN)
    if(pattern MATCHES "\\*")
      file(GLOB_RECURSE files RELATIVE "${ROOT}" "${ROOT}/${pattern}")
    else()
      set(files "${pattern}")
    endif()
    foreach(file IN LISTS files)
      if(NOT file IN_LIST allowed AND EXISTS "${ROOT}/${file}")
        file(STRINGS "${ROOT}/${file}" lines REGEX "^[ \t]*#[ \t]*include")
        foreach(line IN LISTS lines)
          if(line MATCHES "${forbidden}")
            set(problems "${problems}${file}: ${line}\n    ${why}\n" PARENT_SCOPE)
            set(problems "${problems}${file}: ${line}\n    ${why}\n")
          endif()
        endforeach()
      endif()
    endforeach()
  endforeach()
endfunction()

set(all_of_lib "lib/*.cpp" "lib/*.hpp")
set(facade_headers "(loop|server|client|coro|driver|request|response|tls_files|listener|dialer)\\.hpp")

set(allowed)
forbid("public headers show no third-party type" "${third_party}" "include/*.hpp")
forbid("public headers show no socket type" "${sockets}" "include/*.hpp")

file(GLOB_RECURSE allowed RELATIVE "${ROOT}" "${ROOT}/lib/quic/*")
forbid("ngtcp2 and BoringSSL live in lib/quic only" "<(ngtcp2|openssl)/" ${all_of_lib})
file(GLOB_RECURSE allowed RELATIVE "${ROOT}" "${ROOT}/lib/h3/*")
forbid("nghttp3 and wslay live in lib/h3 only" "<(nghttp3|wslay)/" ${all_of_lib})
set(allowed lib/content_decoder.cpp)
forbid("zlib and brotli are content_decoder.cpp's business" "<(zlib|brotli)[/.]" ${all_of_lib})
set(allowed lib/idna.cpp)
forbid("libidn2 is idna.cpp's business" "<idn2\\.h>" ${all_of_lib})
file(GLOB_RECURSE allowed RELATIVE "${ROOT}" "${ROOT}/lib/io/*")
forbid("liburing lives in lib/io only" "<liburing" ${all_of_lib})
# The address formats are values, not sockets: lib/address.cpp prints and parses them, and lib/quic hands them to ngtcp2.
set(address_headers "<(sys/socket|netinet/in|arpa/inet|netdb)\\.h>")
file(GLOB_RECURSE quic_files RELATIVE "${ROOT}" "${ROOT}/lib/quic/*")
foreach(file IN LISTS quic_files ITEMS lib/address.cpp lib/address_conversion.hpp lib/address_conversion.cpp)
  if(EXISTS "${ROOT}/${file}")
    file(STRINGS "${ROOT}/${file}" lines REGEX "^[ \t]*#[ \t]*include")
    foreach(line IN LISTS lines)
      if(line MATCHES "${sockets}" AND NOT line MATCHES "${address_headers}")
        string(APPEND problems "${file}: ${line}\n    only the address formats may be included here\n")
      endif()
    endforeach()
    list(APPEND allowed ${file})
  endif()
endforeach()
forbid("socket headers live in lib/io only" "${sockets}" ${all_of_lib})

set(allowed)
set(not_for_quic "[<\"/](quoin/)?h3/|quoin/${facade_headers}|quoin/coro/|\"${facade_headers}")
forbid("quic knows neither h3 nor the facade" "${not_for_quic}" "lib/quic/*" "include/quoin/quic/*")
# The values that pass between an engine and any backend (PathError, Capabilities) are declared beside io::Backend.
set(allowed include/quoin/quic/endpoint.hpp)
forbid("quic knows nothing of io" "[<\"/](quoin/)?io/" "lib/quic/*" "include/quoin/quic/*")
set(allowed)
forbid("h3 knows neither io nor the facade" "[<\"/](quoin/)?io/|quoin/${facade_headers}|\"${facade_headers}" "lib/h3/*"
       "include/quoin/h3/*")
# docs/decisions/0002-simulated-network-owns-loops.md
set(allowed lib/io/simulated_host.cpp)
forbid("io knows neither quic, h3 nor the facade" "[<\"/](quoin/)?(quic|h3)/|quoin/${facade_headers}|\"${facade_headers}"
       "lib/io/*" "include/quoin/io/*")

if(problems)
  message(FATAL_ERROR "Includes that cross a border:\n${problems}")
endif()
message(STATUS "all includes keep to the layers")
