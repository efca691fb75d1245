/* SPDX-License-Identifier: MIT */
/* When a key update is confirmed, where ngtcp2 is too strict or too lax. Not public. */
#pragma once

#include <ngtcp2/ngtcp2.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Begins an update and returns 1; or 0 for "not yet". It may begin when the handshake is confirmed
   and the last update both confirmed, three probe timeouts ago, and known to the peer, for it has
   acknowledged a packet of this phase (RFC 9001 §6.1, §6.5). Without the last ngtcp2 lets the side
   that did not begin the last update begin the next one, although nothing of this phase may have
   arrived. Not to be called from a callback. */
int quoin_ngtcp2_update_keys(ngtcp2_conn* conn, ngtcp2_tstamp now);

/* Around the writing of packets: our acknowledgement of a packet of the new phase entitles the peer
   to the next update (RFC 9001 §6.1), so that it confirms also an update that we began. ngtcp2
   waits for an acknowledgement of ours, which need not come to one who only receives, and cannot
   read anything of the next phase until then. Returns what to give to the second one. */
int quoin_ngtcp2_begin_key_confirmation(ngtcp2_conn* conn);
void quoin_ngtcp2_end_key_confirmation(ngtcp2_conn* conn, int begun);

#ifdef __cplusplus
}
#endif
