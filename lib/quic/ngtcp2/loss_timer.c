/* SPDX-License-Identifier: MIT */
/* What ngtcp2 forgets about its timer, compiled with its private headers. */
#include "quic/ngtcp2/loss_timer.h"

#include "quic/ngtcp2/layout.h"

void quoin_ngtcp2_rearm_loss_timer(ngtcp2_conn* conn, ngtcp2_tstamp now) {
  if (conn->server && conn->state == NGTCP2_CS_POST_HANDSHAKE &&
      conn->cstat.loss_detection_timer == UINT64_MAX && conn->pktns.rtb.num_pto_eliciting > 0) {
    ngtcp2_conn_set_loss_detection_timer(conn, now);
  }
}
