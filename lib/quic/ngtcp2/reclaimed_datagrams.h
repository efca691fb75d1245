/* SPDX-License-Identifier: MIT */
/* DATAGRAM frames whose loss ngtcp2 does not tell. Not public. */
#pragma once

#include <stdint.h>

#include <ngtcp2/ngtcp2.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is written next answers a probe timeout. */
int quoin_ngtcp2_is_probing(const ngtcp2_conn* conn);

/* Calls `found`, once for each, with the datagrams of packets whose other frames were queued again
   by a probe timeout (RFC 9002 §6.2.4): when such a packet is lost, ngtcp2 calls nobody. */
void quoin_ngtcp2_take_reclaimed_datagrams(ngtcp2_conn* conn,
                                           void (*found)(void* context, uint64_t datagram,
                                                         int64_t packet),
                                           void* context);

/* The packet is neither acknowledged nor taken for lost. */
int quoin_ngtcp2_is_under_way(const ngtcp2_conn* conn, int64_t packet);

#ifdef __cplusplus
}
#endif
