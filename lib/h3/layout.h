/* SPDX-License-Identifier: MIT */
/* What qpack_peer_table.c relies on in nghttp3's private headers, checked when it is compiled. Not
   what it does: tests/h3/nghttp3_probe tries that. docs/decisions/0010 has the reasons.

   When a line fails to compile, nghttp3 has changed what is used of it. Read the change in nghttp3,
   adapt qpack_peer_table.c and the line here, and run quoin_nghttp3_probe; or build with a version
   that cmake/dependencies.cmake lists. */
#pragma once

#include "nghttp3_conn.h"
#include "nghttp3_qpack.h"

#define QUOIN_MEMBER(in, member, type)                                                         \
  _Static_assert(_Generic(&((in*)0)->member, type *: 1, default: 0),                           \
                 "nghttp3 has changed the type of " #member " in " #in                         \
                 ", which lib/h3/qpack_peer_table.c uses: adapt that file and this check, or " \
                 "build with a version listed in cmake/dependencies.cmake")

QUOIN_MEMBER(nghttp3_conn, qenc, nghttp3_qpack_encoder);
QUOIN_MEMBER(nghttp3_qpack_encoder, ctx, nghttp3_qpack_context);
QUOIN_MEMBER(nghttp3_qpack_context, hard_max_dtable_capacity, size_t);
/* The capacity arrives as 64 bits. */
QUOIN_MEMBER(nghttp3_qpack_context, max_dtable_capacity, size_t);
/* What calls recv_settings, in which the capacity is set. */
QUOIN_MEMBER(nghttp3_conn, callbacks, nghttp3_callbacks);

#undef QUOIN_MEMBER
