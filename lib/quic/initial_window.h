/* SPDX-License-Identifier: MIT */
/* The congestion window of a connection that has not sent anything yet. Not public. */
#pragma once

#include <ngtcp2/ngtcp2.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lets `bytes` be under way before anything is acknowledged. To be called at once after the
   connection was made. */
void quoin_ngtcp2_set_initial_window(ngtcp2_conn* conn, uint64_t bytes);

#ifdef __cplusplus
}
#endif
