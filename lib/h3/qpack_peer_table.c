/* SPDX-License-Identifier: MIT */
/* What nghttp3 has no function for, compiled with its private headers. */
#include "h3/qpack_peer_table.h"

#include "h3/layout.h"

void quoin_qpack_set_peer_capacity(nghttp3_conn* conn, uint64_t capacity) {
  conn->qenc.ctx.hard_max_dtable_capacity = (size_t)capacity;
}
