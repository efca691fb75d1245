/* SPDX-License-Identifier: MIT */
/* What ngtcp2 does not tell of key updates, compiled with its private headers. */
#include "quic/ngtcp2/key_phase.h"

#include "quic/ngtcp2/layout.h"

static int may_update_keys(const ngtcp2_conn* conn, ngtcp2_tstamp now) {
  const ngtcp2_pktns* space = &conn->pktns;
  return conn->state == NGTCP2_CS_POST_HANDSHAKE &&
         (conn->flags & NGTCP2_CONN_FLAG_HANDSHAKE_CONFIRMED) &&
         !(conn->flags & NGTCP2_CONN_FLAG_KEY_UPDATE_NOT_CONFIRMED) &&
         space->rtb.largest_acked_tx_pkt_num >= space->crypto.tx.ckm->pkt_num &&
         !ngtcp2_tstamp_not_elapsed(conn->crypto.key_update.confirmed_ts,
                                    3 * ngtcp2_conn_compute_pto(conn, space), now);
}

int quoin_ngtcp2_update_keys(ngtcp2_conn* conn, ngtcp2_tstamp now) {
  if (!may_update_keys(conn, now)) {
    return 0;
  }
  if (!conn->crypto.key_update.new_tx_ckm) {
    /* ngtcp2 makes the next keys when it reads or writes, so after a silence they are missing. What
       is no packet makes it do so. */
    static const uint8_t no_packet[1] = {0};
    ngtcp2_pkt_info info = {0};
    if (ngtcp2_conn_read_pkt(conn, ngtcp2_conn_get_path2(conn), &info, no_packet, sizeof no_packet,
                             now) != 0) {
      return 0;
    }
  }
  return ngtcp2_conn_initiate_key_update(conn, now) == 0;
}

int quoin_ngtcp2_begin_key_confirmation(ngtcp2_conn* conn) {
  const uint32_t waits =
      NGTCP2_CONN_FLAG_KEY_UPDATE_NOT_CONFIRMED | NGTCP2_CONN_FLAG_KEY_UPDATE_INITIATOR;
  /* Only what has arrived in the new phase has a number. */
  if ((conn->flags & waits) != waits || conn->pktns.crypto.rx.ckm->pkt_num == NGTCP2_MAX_PKT_NUM) {
    return 0;
  }
  conn->flags &= ~(uint32_t)NGTCP2_CONN_FLAG_KEY_UPDATE_INITIATOR;
  return 1;
}

void quoin_ngtcp2_end_key_confirmation(ngtcp2_conn* conn, int begun) {
  if (begun && (conn->flags & NGTCP2_CONN_FLAG_KEY_UPDATE_NOT_CONFIRMED)) {
    conn->flags |= NGTCP2_CONN_FLAG_KEY_UPDATE_INITIATOR;
  }
}
