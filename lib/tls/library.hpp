// SPDX-License-Identifier: MIT
/// How quoin gets at BoringSSL's code at run time. Its use is in context.cpp.
///
/// A shared BoringSSL exports the same names as OpenSSL, without symbol versions. A program that
/// linked both, for example through quoin and libcurl, could have calls meant for one answered by
/// the other. In the build's isolated mode (QUOIN_TLS_LINK) quoin therefore does not link
/// BoringSSL. The build renames every use of a BoringSSL function `X` in quoin's objects to the
/// hidden `quoin_tls_X`, a generated trampoline that jumps through a table. The table is filled
/// from a private copy, loaded at first use with RTLD_LOCAL (nobody else sees its names) and
/// RTLD_DEEPBIND (it sees its own first). In direct mode BoringSSL is linked like any library, and
/// this file does nothing.
#pragma once

namespace quoin::inline v0::tls {

/// Loads BoringSSL unless that is done. Any thread, any number of times. Returns null when
/// BoringSSL can be used, else the reason, as a static string. After an error every call to a
/// BoringSSL function ends the process, so call this before making the first TLS object.
[[nodiscard]] const char* library_error() noexcept;

}  // namespace quoin::inline v0::tls
