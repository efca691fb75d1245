/* SPDX-License-Identifier: MIT */
/* What ngtcp2 does not do for streams that are not read, compiled with its private headers. */
#include "quic/ngtcp2/stopped_streams.h"

#include "quic/ngtcp2/layout.h"

int quoin_ngtcp2_end_stopped_stream(ngtcp2_conn* conn, int64_t stream) {
  ngtcp2_strm* found = ngtcp2_conn_find_stream(conn, stream);
  if (found == NULL || !(found->flags & NGTCP2_STRM_FLAG_STOP_SENDING)) {
    return 1;
  }
  if (!(found->flags & NGTCP2_STRM_FLAG_SHUT_RD)) {
    return 0;
  }
  if (!(found->flags & NGTCP2_STRM_FLAG_RESET_STREAM_RECVED)) {
    ngtcp2_strm_update_rx_offset(found, found->rx.last_offset);
  }
  return ngtcp2_conn_close_stream_if_shut_rdwr(conn, found) == 0;
}
