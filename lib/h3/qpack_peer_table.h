/* SPDX-License-Identifier: MIT */
/* The required insert count is encoded modulo a number that follows from the capacity which the
   decoder allows (RFC 9204 §4.5.1.1). nghttp3's connection takes the one that it allows itself,
   because the peer's is not known when the encoder is made; decoders with another one then reject
   sections, or read them wrongly, after a few insertions. */
#pragma once

#include <stdint.h>

#include <nghttp3/nghttp3.h>

#ifdef __cplusplus
extern "C" {
#endif

/* To be called in recv_settings, after which nghttp3 sets its encoder's capacity no more. */
void quoin_qpack_set_peer_capacity(nghttp3_conn* conn, uint64_t capacity);

#ifdef __cplusplus
}
#endif
