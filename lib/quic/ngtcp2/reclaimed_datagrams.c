/* SPDX-License-Identifier: MIT */
/* What ngtcp2 does not tell of datagrams, compiled with its private headers. */
#include "quic/ngtcp2/reclaimed_datagrams.h"

#include "quic/ngtcp2/layout.h"

int quoin_ngtcp2_is_probing(const ngtcp2_conn* conn) { return conn->pktns.rtb.probe_pkt_left > 0; }

void quoin_ngtcp2_take_reclaimed_datagrams(ngtcp2_conn* conn,
                                           void (*found)(void* context, uint64_t datagram,
                                                         int64_t packet),
                                           void* context) {
  for (ngtcp2_ksl_it it = ngtcp2_rtb_head(&conn->pktns.rtb); !ngtcp2_ksl_it_end(&it);
       ngtcp2_ksl_it_next(&it)) {
    ngtcp2_rtb_entry* packet = ngtcp2_ksl_it_get(&it);
    if (!(packet->flags & NGTCP2_RTB_ENTRY_FLAG_DATAGRAM) ||
        !(packet->flags & NGTCP2_RTB_ENTRY_FLAG_PTO_RECLAIMED) ||
        (packet->flags & NGTCP2_RTB_ENTRY_FLAG_LOST_RETRANSMITTED)) {
      continue;
    }
    /* ngtcp2 looks at this flag only for packets that were not reclaimed. */
    packet->flags &= (uint16_t)~NGTCP2_RTB_ENTRY_FLAG_DATAGRAM;
    for (const ngtcp2_frame_chain* frame = packet->frc; frame != NULL; frame = frame->next) {
      if (frame->fr.hd.type == NGTCP2_FRAME_DATAGRAM ||
          frame->fr.hd.type == NGTCP2_FRAME_DATAGRAM_LEN) {
        found(context, frame->fr.datagram.dgram_id, packet->hd.pkt_num);
      }
    }
  }
}

int quoin_ngtcp2_is_under_way(const ngtcp2_conn* conn, int64_t packet) {
  ngtcp2_ksl_it it = ngtcp2_ksl_lower_bound(&conn->pktns.rtb.ents, &packet);
  if (ngtcp2_ksl_it_end(&it) || *(int64_t*)ngtcp2_ksl_it_key(&it) != packet) {
    return 0;
  }
  return !(((ngtcp2_rtb_entry*)ngtcp2_ksl_it_get(&it))->flags &
           NGTCP2_RTB_ENTRY_FLAG_LOST_RETRANSMITTED);
}
