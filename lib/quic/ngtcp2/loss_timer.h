/* SPDX-License-Identifier: MIT */
/* The loss detection timer of a server that may send again. Not public. */
#pragma once

#include <ngtcp2/ngtcp2.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Call after each packet that was read. ngtcp2 cancels the timer when a server may send no more to
   an address that is not validated, also after a migration, but sets it again only with the next
   packet sent (RFC 9002 §6.2.2.1 wants it with the next one received). When all that was sent is
   lost and fills the congestion window, there is no next one: the connection lives, kept alive by
   the client, and nothing more is ever sent on it. */
void quoin_ngtcp2_rearm_loss_timer(ngtcp2_conn* conn, ngtcp2_tstamp now);

#ifdef __cplusplus
}
#endif
