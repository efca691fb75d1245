/* SPDX-License-Identifier: MIT */
/* The end of streams that are not read any more. Not public. */
#pragma once

#include <stdint.h>

#include <ngtcp2/ngtcp2.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A stream for which a STOP_SENDING was asked for needs nothing but its final size (RFC 9000 §4.5).
   ngtcp2 waits for all of its bytes or a RESET_STREAM, throws away what comes out of order, but
   acknowledges it: a peer that has everything acknowledged sends nothing more, and the stream would
   last, and count against the limit, as long as the connection.

   Ends the receiving direction once the final size is known, and the stream if that was the last of
   it. Returns 0 while it is not known. Not to be called from a callback. */
int quoin_ngtcp2_end_stopped_stream(ngtcp2_conn* conn, int64_t stream);

#ifdef __cplusplus
}
#endif
