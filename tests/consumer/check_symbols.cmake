# SPDX-License-Identifier: MIT
# Fails when the libquoin in FOLDER shows, or asks for, names of the libraries it has absorbed or loads privately.
# Run as a script with NM, OBJDUMP, TYPE (static, shared), ISOLATED and FOLDER.

cmake_minimum_required(VERSION 3.25)
if(TYPE STREQUAL "shared")
  set(library "${FOLDER}/libquoin.so")
  set(nm_options -D)
else()
  set(library "${FOLDER}/libquoin.a")
endif()

execute_process(
  COMMAND "${NM}" ${nm_options} --format=posix -g "${library}"
  OUTPUT_VARIABLE symbols
  COMMAND_ERROR_IS_FATAL ANY)
# Upper case is global; C names only.
string(REGEX MATCHALL "\n(ngtcp2|nghttp3|sfparse|SSL|CRYPTO|EVP|X509|RAND|OPENSSL|BIO|PEM|HKDF|ERR)_[A-Za-z0-9_]+ [A-Z]"
       leaks "\n${symbols}")
if(leaks AND (ISOLATED OR NOT leaks MATCHES " U"))
  message(FATAL_ERROR "${library} has names that could meet another library's:${leaks}")
endif()
if(TYPE STREQUAL "shared")
  string(REGEX MATCHALL "\n[A-Za-z0-9_]+ [TDBRVWiu] " exports "\n${symbols}")
  list(FILTER exports EXCLUDE REGEX "\n_Z")
  if(exports)
    message(FATAL_ERROR "${library} exports C names:${exports}")
  endif()
  execute_process(COMMAND "${OBJDUMP}" -p "${library}" OUTPUT_VARIABLE headers COMMAND_ERROR_IS_FATAL ANY)
  if(headers MATCHES "NEEDED +lib(ngtcp2|nghttp3)" OR (ISOLATED AND headers MATCHES "NEEDED +lib(ssl|crypto)"))
    message(FATAL_ERROR "${library} asks its user for a library that it should hold or load itself:\n${headers}")
  endif()
endif()
