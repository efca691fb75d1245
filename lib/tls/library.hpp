// SPDX-License-Identifier: MIT
/// How quoin gets at BoringSSL's code at run time. Not what it does with it: that is context.cpp.
///
/// A shared BoringSSL exports the same names as OpenSSL, without symbol versions. A program that
/// linked both, say through quoin and libcurl, could have calls meant for one answered by the
/// other. In the build's isolated mode (QUOIN_TLS_LINK) quoin therefore does not link BoringSSL.
/// The build renames every use of a BoringSSL function `X` in quoin's objects to the hidden
/// `quoin_tls_X`, a generated trampoline that jumps through a table. The table is filled from a
/// private copy, loaded at first use with RTLD_LOCAL (nobody else sees its names) and RTLD_DEEPBIND
/// (it sees its own first). In direct mode BoringSSL is linked as any library is, and this file has
/// nothing to do.
#pragma once

namespace quoin::inline v0::tls {

/// Loads BoringSSL when that has not been done. Any thread, any number of times.
/// Returns null when BoringSSL can be used, else why not, as a sentence that lives for ever. After
/// an error every call to a BoringSSL function ends the process, so whoever makes the first TLS
/// object asks here before.
[[nodiscard]] const char* library_error() noexcept;

}  // namespace quoin::inline v0::tls
