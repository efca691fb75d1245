// SPDX-License-Identifier: MIT
/// Marks what a shared libquoin shows to its users. Nothing else lives here.
#pragma once

#if defined(QUOIN_STATIC)
#define QUOIN_EXPORT
#else
/// On a declaration: part of the public binary interface.
#define QUOIN_EXPORT __attribute__((visibility("default")))
#endif
