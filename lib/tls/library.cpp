// SPDX-License-Identifier: MIT
/// Loads BoringSSL into the table that the generated trampolines jump through. The trampolines
/// themselves come from cmake/tls_trampolines.cmake.
#include "tls/library.hpp"

#if defined(QUOIN_TLS_SSL_PATH)

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#include <string>
#include <vector>

extern "C" {
/// One slot for each name, in the same order. Written once, under `loaded`.
extern void* quoin_tls_table[];  // NOLINT(modernize-avoid-c-arrays): laid out by assembly
/// The names, each terminated by a NUL, the last one by two.
extern const char quoin_tls_names[];  // NOLINT(modernize-avoid-c-arrays): laid out by assembly
/// Called by a trampoline whose slot has not been filled.
void quoin_tls_load() noexcept;
}

namespace quoin::inline v0::tls {
namespace {

/// Why BoringSSL cannot be used; empty when it can. Never destroyed: objects with static storage
/// may still use TLS while the process ends.
std::string& failure() {
  static auto* const text = new std::string;
  return *text;
}

/// Stands in every slot after loading has failed.
void call_without_library() noexcept {
  static_cast<void>(std::fprintf(stderr, "quoin: %s\n", failure().c_str()));
  std::abort();
}

/// Opens the library where the build found it, else wherever the system's search finds its name.
void* open_library(const char* path) {
  constexpr int flags = RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND;
  if (void* const handle = dlopen(path, flags)) return handle;
  const std::string reason = dlerror();
  const char* const slash = std::strrchr(path, '/');
  if (slash != nullptr) {
    if (void* const handle = dlopen(slash + 1, flags)) return handle;
  }
  failure() = "cannot load BoringSSL: " + reason + "; install it (Debian: android-libboringssl)";
  return nullptr;
}

/// The address of every name, or fewer when one is missing.
std::vector<void*> find_functions() {
  std::vector<void*> addresses;
  // libssl finds libcrypto by name among the loaded libraries, with or without a run path.
  if (open_library(QUOIN_TLS_CRYPTO_PATH) == nullptr) return addresses;
  void* const ssl = open_library(QUOIN_TLS_SSL_PATH);
  if (ssl == nullptr) return addresses;
  for (const char* name = quoin_tls_names; *name != '\0'; name += std::strlen(name) + 1) {
    void* const address = dlsym(ssl, name);
    if (address == nullptr) {
      failure() = std::string("the BoringSSL in " QUOIN_TLS_SSL_PATH " has no ") + name +
                  "; quoin was built for another version of it";
      return {};
    }
    addresses.push_back(address);
  }
  return addresses;
}

/// Other threads may jump through a slot while it is written, hence one atomic store for each.
void fill_table() {
  const std::vector<void*> addresses = find_functions();
  std::size_t slot = 0;
  for (const char* name = quoin_tls_names; *name != '\0'; name += std::strlen(name) + 1, ++slot) {
    void* const target =
        failure().empty() ? addresses[slot] : reinterpret_cast<void*>(&call_without_library);
    std::atomic_ref(quoin_tls_table[slot]).store(target, std::memory_order_release);
  }
}

std::once_flag loaded;

}  // namespace

const char* library_error() noexcept {
  std::call_once(loaded, fill_table);
  return failure().empty() ? nullptr : failure().c_str();
}

}  // namespace quoin::inline v0::tls

void quoin_tls_load() noexcept { static_cast<void>(quoin::tls::library_error()); }

#else

const char* quoin::tls::library_error() noexcept { return nullptr; }

#endif
