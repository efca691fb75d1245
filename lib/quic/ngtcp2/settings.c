/* SPDX-License-Identifier: MIT */
/* Settings of ngtcp2's own, made with its private headers. */
#include "quic/ngtcp2/settings.h"

#include "quic/ngtcp2/layout.h"

void quoin_ngtcp2_set_initial_window(ngtcp2_conn* conn, uint64_t bytes) {
  ngtcp2_conn_stat* stat = &conn->cstat;
  /* The pace was made for the old window: as many bytes more in the same time. */
  uint64_t interval = stat->pacing_interval_m * stat->cwnd / bytes;
  stat->pacing_interval_m = interval > 0 ? interval : 1;
  stat->cwnd = bytes;
  if (conn->local.settings.cc_algo == NGTCP2_CC_ALGO_BBR) {
    conn->bbr.initial_cwnd = bytes;
  }
}

void quoin_ngtcp2_set_idle_timeout(ngtcp2_conn* conn, ngtcp2_duration timeout) {
  conn->local.transport_params.max_idle_timeout = timeout;
}
