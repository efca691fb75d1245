/* SPDX-License-Identifier: MIT */
/* What the C files of this folder rely on in ngtcp2's private headers, checked when they are
   compiled. Not what it does: tests/quic/ngtcp2_probe tries that. docs/decisions/0010 has the
   reasons.

   When a line fails to compile, ngtcp2 has changed what the file named in it uses. Read the change
   in ngtcp2, adapt that file and the line here, and run quoin_ngtcp2_probe; or build with a version
   that cmake/dependencies.cmake lists. Offsets and sizes are not checked: the compiler takes them
   from the same headers. Types are, because C converts what has changed without a word, and so are
   the values that bits must keep apart. */
#pragma once

#include "ngtcp2_conn.h"
#include "ngtcp2_frame_chain.h"
#include "ngtcp2_ksl.h"
#include "ngtcp2_pkt.h"
#include "ngtcp2_rtb.h"
#include "ngtcp2_strm.h"
#include "ngtcp2_tstamp.h"

#define QUOIN_ADVICE(what, file)                             \
  "ngtcp2 has changed " what ", which lib/quic/ngtcp2/" file \
  " uses: adapt that file and this "                         \
  "check, or build with a version listed in cmake/dependencies.cmake"

/* The member is there and of this very type. */
#define QUOIN_MEMBER(file, in, member, type)                         \
  _Static_assert(_Generic(&((in*)0)->member, type *: 1, default: 0), \
                 QUOIN_ADVICE("the type of " #member " in " #in, file))

/* The function, or what is used like one, gives and takes these very types. */
#define QUOIN_FUNCTION(file, name, result, ...)                            \
  _Static_assert(_Generic(&(name), result(*)(__VA_ARGS__): 1, default: 0), \
                 QUOIN_ADVICE("the signature of " #name, file))

/* The flag is one bit of what holds it. */
#define QUOIN_FLAG(file, flag, type)                                                   \
  _Static_assert((flag) > 0 && ((flag) & ((flag) - 1)) == 0 && (type)(flag) == (flag), \
                 QUOIN_ADVICE("the value of " #flag, file))

#define QUOIN_DIFFER(file, one, other) \
  _Static_assert((one) != (other), QUOIN_ADVICE("the value of " #one " or " #other, file))

/* ---- Used by several files ---- */

QUOIN_MEMBER("key_phase.c", ngtcp2_conn, state, ngtcp2_conn_state);
QUOIN_MEMBER("key_phase.c", ngtcp2_conn, flags, uint32_t);
QUOIN_MEMBER("key_phase.c", ngtcp2_conn, pktns, ngtcp2_pktns);
QUOIN_MEMBER("loss_timer.c", ngtcp2_conn, server, int);
QUOIN_MEMBER("loss_timer.c", ngtcp2_conn, cstat, ngtcp2_conn_stat);

/* ---- key_phase.c ---- */

QUOIN_FLAG("key_phase.c", NGTCP2_CONN_FLAG_HANDSHAKE_CONFIRMED, uint32_t);
QUOIN_FLAG("key_phase.c", NGTCP2_CONN_FLAG_KEY_UPDATE_NOT_CONFIRMED, uint32_t);
QUOIN_FLAG("key_phase.c", NGTCP2_CONN_FLAG_KEY_UPDATE_INITIATOR, uint32_t);
QUOIN_DIFFER("key_phase.c", NGTCP2_CONN_FLAG_KEY_UPDATE_NOT_CONFIRMED,
             NGTCP2_CONN_FLAG_KEY_UPDATE_INITIATOR);
QUOIN_MEMBER("key_phase.c", ngtcp2_conn, crypto.key_update.confirmed_ts, ngtcp2_tstamp);
QUOIN_MEMBER("key_phase.c", ngtcp2_conn, crypto.key_update.new_tx_ckm, ngtcp2_crypto_km*);
QUOIN_MEMBER("key_phase.c", ngtcp2_pktns, crypto.tx.ckm, ngtcp2_crypto_km*);
QUOIN_MEMBER("key_phase.c", ngtcp2_pktns, crypto.rx.ckm, ngtcp2_crypto_km*);
QUOIN_MEMBER("key_phase.c", ngtcp2_pktns, rtb.largest_acked_tx_pkt_num, int64_t);
QUOIN_MEMBER("key_phase.c", ngtcp2_crypto_km, pkt_num, int64_t);
_Static_assert(NGTCP2_MAX_PKT_NUM == INT64_C(0x3fffffffffffffff),
               QUOIN_ADVICE("NGTCP2_MAX_PKT_NUM", "key_phase.c"));
QUOIN_FUNCTION("key_phase.c", ngtcp2_conn_compute_pto, ngtcp2_duration, const ngtcp2_conn*,
               const ngtcp2_pktns*);
QUOIN_FUNCTION("key_phase.c", ngtcp2_tstamp_not_elapsed, int, ngtcp2_tstamp, ngtcp2_duration,
               ngtcp2_tstamp);

/* ---- loss_timer.c ---- */

QUOIN_MEMBER("loss_timer.c", ngtcp2_conn_stat, loss_detection_timer, ngtcp2_tstamp);
QUOIN_MEMBER("loss_timer.c", ngtcp2_pktns, rtb.num_pto_eliciting, size_t);
QUOIN_FUNCTION("loss_timer.c", ngtcp2_conn_set_loss_detection_timer, void, ngtcp2_conn*,
               ngtcp2_tstamp);

/* ---- reclaimed_datagrams.c ---- */

QUOIN_MEMBER("reclaimed_datagrams.c", ngtcp2_pktns, rtb, ngtcp2_rtb);
QUOIN_MEMBER("reclaimed_datagrams.c", ngtcp2_rtb, probe_pkt_left, size_t);
QUOIN_MEMBER("reclaimed_datagrams.c", ngtcp2_rtb, ents, ngtcp2_ksl);
QUOIN_MEMBER("reclaimed_datagrams.c", ngtcp2_rtb_entry, flags, uint16_t);
QUOIN_MEMBER("reclaimed_datagrams.c", ngtcp2_rtb_entry, frc, ngtcp2_frame_chain*);
QUOIN_MEMBER("reclaimed_datagrams.c", ngtcp2_rtb_entry, hd.pkt_num, int64_t);
QUOIN_MEMBER("reclaimed_datagrams.c", ngtcp2_frame_chain, next, ngtcp2_frame_chain*);
QUOIN_MEMBER("reclaimed_datagrams.c", ngtcp2_frame_chain, fr.hd.type, uint64_t);
QUOIN_MEMBER("reclaimed_datagrams.c", ngtcp2_frame_chain, fr.datagram, ngtcp2_datagram);
QUOIN_MEMBER("reclaimed_datagrams.c", ngtcp2_datagram, dgram_id, uint64_t);
QUOIN_FLAG("reclaimed_datagrams.c", NGTCP2_RTB_ENTRY_FLAG_DATAGRAM, uint16_t);
QUOIN_FLAG("reclaimed_datagrams.c", NGTCP2_RTB_ENTRY_FLAG_PTO_RECLAIMED, uint16_t);
QUOIN_FLAG("reclaimed_datagrams.c", NGTCP2_RTB_ENTRY_FLAG_LOST_RETRANSMITTED, uint16_t);
QUOIN_DIFFER("reclaimed_datagrams.c", NGTCP2_RTB_ENTRY_FLAG_DATAGRAM,
             NGTCP2_RTB_ENTRY_FLAG_PTO_RECLAIMED);
QUOIN_DIFFER("reclaimed_datagrams.c", NGTCP2_RTB_ENTRY_FLAG_DATAGRAM,
             NGTCP2_RTB_ENTRY_FLAG_LOST_RETRANSMITTED);
/* The types of RFC 9221 §4. */
_Static_assert(NGTCP2_FRAME_DATAGRAM == 0x30 && NGTCP2_FRAME_DATAGRAM_LEN == 0x31,
               QUOIN_ADVICE("the types of DATAGRAM frames", "reclaimed_datagrams.c"));
QUOIN_FUNCTION("reclaimed_datagrams.c", ngtcp2_rtb_head, ngtcp2_ksl_it, const ngtcp2_rtb*);
/* A key is passed without a type; that it is a packet number only the probe can tell. */
QUOIN_FUNCTION("reclaimed_datagrams.c", ngtcp2_ksl_lower_bound, ngtcp2_ksl_it, const ngtcp2_ksl*,
               const ngtcp2_ksl_key*);
QUOIN_FUNCTION("reclaimed_datagrams.c", ngtcp2_ksl_it_key, const ngtcp2_ksl_key*,
               const ngtcp2_ksl_it*);
QUOIN_FUNCTION("reclaimed_datagrams.c", ngtcp2_ksl_it_get, void*, const ngtcp2_ksl_it*);
QUOIN_FUNCTION("reclaimed_datagrams.c", ngtcp2_ksl_it_next, void, ngtcp2_ksl_it*);
QUOIN_FUNCTION("reclaimed_datagrams.c", ngtcp2_ksl_it_end, int, const ngtcp2_ksl_it*);

/* ---- settings.c ---- */

QUOIN_MEMBER("settings.c", ngtcp2_conn_stat, cwnd, uint64_t);
QUOIN_MEMBER("settings.c", ngtcp2_conn_stat, pacing_interval_m, uint64_t);
QUOIN_MEMBER("settings.c", ngtcp2_conn, local.settings.cc_algo, ngtcp2_cc_algo);
QUOIN_MEMBER("settings.c", ngtcp2_conn, bbr, ngtcp2_cc_bbr);
QUOIN_MEMBER("settings.c", ngtcp2_cc_bbr, initial_cwnd, uint64_t);
QUOIN_MEMBER("settings.c", ngtcp2_conn, local.transport_params, ngtcp2_transport_params);
QUOIN_MEMBER("settings.c", ngtcp2_transport_params, max_idle_timeout, ngtcp2_duration);

/* ---- stopped_streams.c ---- */

QUOIN_MEMBER("stopped_streams.c", ngtcp2_strm, flags, uint32_t);
QUOIN_MEMBER("stopped_streams.c", ngtcp2_strm, rx.last_offset, uint64_t);
QUOIN_FLAG("stopped_streams.c", NGTCP2_STRM_FLAG_STOP_SENDING, uint32_t);
QUOIN_FLAG("stopped_streams.c", NGTCP2_STRM_FLAG_SHUT_RD, uint32_t);
QUOIN_FLAG("stopped_streams.c", NGTCP2_STRM_FLAG_RESET_STREAM_RECVED, uint32_t);
QUOIN_DIFFER("stopped_streams.c", NGTCP2_STRM_FLAG_STOP_SENDING, NGTCP2_STRM_FLAG_SHUT_RD);
QUOIN_DIFFER("stopped_streams.c", NGTCP2_STRM_FLAG_STOP_SENDING,
             NGTCP2_STRM_FLAG_RESET_STREAM_RECVED);
QUOIN_FUNCTION("stopped_streams.c", ngtcp2_conn_find_stream, ngtcp2_strm*, const ngtcp2_conn*,
               int64_t);
QUOIN_FUNCTION("stopped_streams.c", ngtcp2_strm_update_rx_offset, void, ngtcp2_strm*, uint64_t);
QUOIN_FUNCTION("stopped_streams.c", ngtcp2_conn_close_stream_if_shut_rdwr, int, ngtcp2_conn*,
               ngtcp2_strm*);

#undef QUOIN_ADVICE
#undef QUOIN_MEMBER
#undef QUOIN_FUNCTION
#undef QUOIN_FLAG
#undef QUOIN_DIFFER
