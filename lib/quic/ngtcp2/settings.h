/* SPDX-License-Identifier: MIT */
/* What ngtcp2 has no setting for. Not public. */
#pragma once

#include <ngtcp2/ngtcp2.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lets `bytes` be under way before anything is acknowledged. To be called at once after the
   connection was made. */
void quoin_ngtcp2_set_initial_window(ngtcp2_conn* conn, uint64_t bytes);

/* From now on the connection ends after so many nanoseconds without a packet, 0: never, whatever
   the peer was told. To be called after the transport parameters were written. */
void quoin_ngtcp2_set_idle_timeout(ngtcp2_conn* conn, ngtcp2_duration timeout);

#ifdef __cplusplus
}
#endif
