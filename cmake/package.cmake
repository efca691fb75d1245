# SPDX-License-Identifier: MIT
# What `cmake --install` puts where, and the files by which other projects find quoin.

include(CMakePackageConfigHelpers)

set(_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/quoin")
set(_doc_dir "${CMAKE_INSTALL_DATADIR}/doc/quoin")

install(
  TARGETS quoin
  EXPORT quoinTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  FILE_SET HEADERS
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(
  EXPORT quoinTargets
  NAMESPACE quoin::
  DESTINATION "${_cmake_dir}")

# Tools find a shared libquoin beside them, wherever the tree is moved, and a directly linked BoringSSL where it was.
foreach(_tool IN LISTS QUOIN_TOOLS)
  file(RELATIVE_PATH _to_lib "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
  set_target_properties(${_tool} PROPERTIES INSTALL_RPATH "$ORIGIN/${_to_lib}" INSTALL_RPATH_USE_LINK_PATH TRUE)
  install(TARGETS ${_tool} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endforeach()
set_target_properties(quoin PROPERTIES INSTALL_RPATH_USE_LINK_PATH TRUE)

# All that is installed, and nothing else: what `make demo` and `make install` build.
add_custom_target(package_files DEPENDS quoin ${QUOIN_TOOLS})

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/quoinConfig.cmake.in" quoinConfig.cmake
                              INSTALL_DESTINATION "${_cmake_dir}")
# Until 1.0 a minor version may break its users.
write_basic_package_version_file(quoinConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/quoinConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/quoinConfigVersion.cmake"
        DESTINATION "${_cmake_dir}")
if(NOT QUOIN_TLS_ISOLATED)
  install(FILES "${PROJECT_SOURCE_DIR}/cmake/FindBoringSSL.cmake" DESTINATION "${_cmake_dir}")
endif()

# pkg-config: a static libquoin has to name what it needs itself.
set(_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH QUOIN_PC_PREFIX "/prefix/${_pc_dir}" "/prefix")
set(QUOIN_PC_CFLAGS "")
set(QUOIN_PC_LIBS "")
if(NOT BUILD_SHARED_LIBS)
  set(QUOIN_PC_CFLAGS "-DQUOIN_STATIC")
  set(QUOIN_PC_LIBS "-lstdc++ -lm -pthread")
  if(QUOIN_WEBSOCKET)
    string(APPEND QUOIN_PC_LIBS " -lwslay")
  endif()
  if(QUOIN_TLS_ISOLATED)
    foreach(_library IN LISTS CMAKE_DL_LIBS)
      string(APPEND QUOIN_PC_LIBS " -l${_library}")
    endforeach()
  else()
    get_filename_component(_dir "${BoringSSL_SSL_LIBRARY}" DIRECTORY)
    string(APPEND QUOIN_PC_LIBS " ${BoringSSL_SSL_LIBRARY} ${BoringSSL_CRYPTO_LIBRARY} -Wl,-rpath,${_dir}")
  endif()
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/quoin.pc.in" quoin.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/quoin.pc" DESTINATION "${_pc_dir}")

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${_doc_dir}")
install(FILES "${NGTCP2_SOURCE_DIR}/COPYING" DESTINATION "${_doc_dir}/licenses" RENAME ngtcp2.txt)
install(FILES "${NGHTTP3_SOURCE_DIR}/COPYING" DESTINATION "${_doc_dir}/licenses" RENAME nghttp3.txt)
install(FILES "${NGHTTP3_SOURCE_DIR}/lib/sfparse/COPYING" DESTINATION "${_doc_dir}/licenses" RENAME sfparse.txt)
if(QUOIN_HAS_URING)
  install(
    FILES /usr/share/doc/liburing-dev/copyright
    DESTINATION "${_doc_dir}/licenses"
    RENAME liburing.txt
    OPTIONAL)
endif()
if(QUOIN_HAS_COMPRESSION)
  foreach(_library zlib1g libbrotli)
    install(
      FILES /usr/share/doc/${_library}-dev/copyright
      DESTINATION "${_doc_dir}/licenses"
      RENAME ${_library}.txt
      OPTIONAL)
  endforeach()
endif()
if(QUOIN_TOOLS)
  # CLI11 is headers only, so its code is in the tools. Where it is no Debian package its text is left out.
  install(
    FILES /usr/share/doc/libcli11-dev/copyright
    DESTINATION "${_doc_dir}/licenses"
    RENAME CLI11.txt
    OPTIONAL)
endif()
