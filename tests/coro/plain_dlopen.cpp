// SPDX-License-Identifier: MIT
/// AddressSanitizer refuses dlopen() with RTLD_DEEPBIND, by which quoin keeps BoringSSL apart from
/// OpenSSL. There is no OpenSSL in these tests, so they do without.
#include <dlfcn.h>

extern "C" void* dlopen(const char* file, int mode) {
  static auto* const next =
      reinterpret_cast<void* (*)(const char*, int)>(dlsym(RTLD_NEXT, "dlopen"));
  return next(file, mode & ~RTLD_DEEPBIND);
}
