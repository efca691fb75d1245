// SPDX-License-Identifier: MIT
/// ngtcp2's callbacks: cast, convert, forward. The connection and the application make the
/// decisions. R5 of the data flow.

#include <algorithm>

#include <ngtcp2/ngtcp2_crypto.h>

#include "quic/connection_impl.hpp"
#include "quic/ngtcp2/settings.h"

namespace quoin::inline v0::quic {
namespace {

Connection::Impl& self(void* user_data) noexcept {
  return *static_cast<Connection::Impl*>(user_data);
}

/// The application, after marking the connection as having news.
Application& notify(Connection::Impl& impl) {
  impl.shared.mark_ready(impl.id.slot);
  return *impl.application;
}

void start_application(Connection::Impl& impl) {
  if (!impl.app_started) {
    impl.app_started = true;
    notify(impl).on_started(impl.handle);
  }
}

// The keys tell when an application can start: a server may send as soon as it has the sending
// keys; at a client the receiving keys come last before the first data of the server.
int recv_tx_key(ngtcp2_conn*, ngtcp2_encryption_level level, void* user_data) {
  auto& impl = self(user_data);
  if (level == NGTCP2_ENCRYPTION_LEVEL_1RTT && impl.server) {
    start_application(impl);
  }
  return impl.callback_result();
}

int recv_rx_key(ngtcp2_conn*, ngtcp2_encryption_level level, void* user_data) {
  auto& impl = self(user_data);
  if (level == NGTCP2_ENCRYPTION_LEVEL_1RTT && !impl.server) {
    start_application(impl);
  }
  return impl.callback_result();
}

// Each timeout doubles the next one, so that on a bad link 30 s of silence are five lost datagrams.
// handshake_timeout decides how long to try.
int client_initial(ngtcp2_conn* conn, void* user_data) {
  const int result = ngtcp2_crypto_client_initial_cb(conn, user_data);
  quoin_ngtcp2_set_idle_timeout(conn, 0);
  return result;
}

int handshake_completed(ngtcp2_conn* conn, void* user_data) {
  auto& impl = self(user_data);
  quoin_ngtcp2_set_idle_timeout(conn, quic::to_ngtcp2(impl.shared.config.max_idle_timeout));
  impl.handle_handshake_completed();
  if (!impl.close_wanted) {
    notify(impl).on_connected(impl.handle);
  }
  return impl.callback_result();
}

int handshake_confirmed(ngtcp2_conn*, void* user_data) {
  self(user_data).handshake_confirmed = true;
  return 0;
}

int recv_stream_data(ngtcp2_conn*, std::uint32_t flags, std::int64_t stream_id, std::uint64_t,
                     const std::uint8_t* data, std::size_t size, void* user_data, void*) {
  auto& impl = self(user_data);
  const bool fin = (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0;
  notify(impl).on_stream_data(impl.handle, StreamId{stream_id}, to_bytes(data, size), fin);
  return impl.callback_result();
}

int acked_stream_data_offset(ngtcp2_conn*, std::int64_t stream_id, std::uint64_t,
                             std::uint64_t size, void* user_data, void*) {
  auto& impl = self(user_data);
  notify(impl).on_stream_acked(StreamId{stream_id}, size);
  return impl.callback_result();
}

int stream_close(ngtcp2_conn* conn, std::uint32_t flags, std::int64_t stream_id, std::uint64_t code,
                 void* user_data, void*) {
  auto& impl = self(user_data);
  const bool has_code = (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0;
  notify(impl).on_stream_closed(impl.handle, StreamId{stream_id},
                                has_code ? std::optional{code} : std::nullopt);
  if (ngtcp2_conn_is_local_stream2(conn, stream_id) == 0) {
    if (is_bidirectional(StreamId{stream_id})) {
      ngtcp2_conn_extend_max_streams_bidi(conn, 1);
    } else {
      ngtcp2_conn_extend_max_streams_uni(conn, 1);
    }
  }
  return impl.callback_result();
}

int stream_reset(ngtcp2_conn*, std::int64_t stream_id, std::uint64_t, std::uint64_t code,
                 void* user_data, void*) {
  auto& impl = self(user_data);
  notify(impl).on_stream_reset(impl.handle, StreamId{stream_id}, code);
  return impl.callback_result();
}

int recv_stop_sending(ngtcp2_conn*, std::int64_t stream_id, std::uint64_t code, void* user_data,
                      void*) {
  auto& impl = self(user_data);
  notify(impl).on_stop_sending(impl.handle, StreamId{stream_id}, code);
  return impl.callback_result();
}

int extend_max_stream_data(ngtcp2_conn*, std::int64_t stream_id, std::uint64_t, void* user_data,
                           void*) {
  auto& impl = self(user_data);
  notify(impl).on_unblocked(StreamId{stream_id});
  return impl.callback_result();
}

int extend_max_streams(Connection::Impl& impl, bool bidirectional) {
  // The limits of the transport parameters are announced before the application has started; it
  // asks for them when it does.
  if (impl.app_started) {
    notify(impl).on_streams_available(impl.handle, bidirectional);
  }
  return impl.callback_result();
}

int extend_max_streams_bidi(ngtcp2_conn*, std::uint64_t, void* user_data) {
  return extend_max_streams(self(user_data), true);
}

int extend_max_streams_uni(ngtcp2_conn*, std::uint64_t, void* user_data) {
  return extend_max_streams(self(user_data), false);
}

int recv_datagram(ngtcp2_conn*, std::uint32_t, const std::uint8_t* data, std::size_t size,
                  void* user_data) {
  auto& impl = self(user_data);
  notify(impl).on_datagram(impl.handle, to_bytes(data, size));
  return impl.callback_result();
}

int ack_datagram(ngtcp2_conn*, std::uint64_t id, void* user_data) {
  auto& impl = self(user_data);
  impl.tell_fate(DatagramId{id}, DatagramFate::acknowledged);
  return impl.callback_result();
}

int lost_datagram(ngtcp2_conn*, std::uint64_t id, void* user_data) {
  auto& impl = self(user_data);
  impl.tell_fate(DatagramId{id}, DatagramFate::lost);
  return impl.callback_result();
}

int recv_new_token(ngtcp2_conn*, const std::uint8_t* token, std::size_t size, void* user_data) {
  auto& impl = self(user_data);
  impl.token = as_text(to_bytes(token, size));
  notify(impl).on_resumable(impl.handle);
  return impl.callback_result();
}

int tls_early_data_rejected(ngtcp2_conn*, void* user_data) {
  auto& impl = self(user_data);
  impl.early = false;
  impl.commands.clear();  // their streams are gone
  if (impl.app_started) {
    impl.app_started = false;
    notify(impl).on_early_data_rejected(impl.handle);
  }
  return impl.callback_result();
}

int recv_stateless_reset(ngtcp2_conn*, const ngtcp2_pkt_stateless_reset2*, void* user_data) {
  self(user_data).was_reset = true;
  return 0;
}

void fill_random(std::uint8_t* dest, std::size_t size, const ngtcp2_rand_ctx* context) {
  static_cast<Shared*>(context->native_handle)->fill_random(dest, size);
}

int get_new_connection_id(ngtcp2_conn*, ngtcp2_cid* cid, ngtcp2_stateless_reset_token* token,
                          std::size_t, void* user_data) {
  auto& impl = self(user_data);
  const auto made = impl.shared.new_cid();
  if (!made) {
    impl.close({TransportError::internal_error, "the generator of connection IDs repeats itself"});
    return NGTCP2_ERR_CALLBACK_FAILURE;
  }
  *cid = *made;
  if (!impl.shared.own_reset_tokens.make(*cid, token->data)) return NGTCP2_ERR_CALLBACK_FAILURE;
  impl.shared.add_cid(*cid, impl.id.slot);
  return 0;
}

int remove_connection_id(ngtcp2_conn*, const ngtcp2_cid* cid, void* user_data) {
  auto& impl = self(user_data);
  impl.shared.remove_cid(*cid, impl.id.slot);
  return 0;
}

int dcid_status(ngtcp2_conn*, ngtcp2_connection_id_status_type type, std::uint64_t,
                const ngtcp2_cid*, const ngtcp2_stateless_reset_token* token, void* user_data) {
  if (token == nullptr) return 0;
  auto& impl = self(user_data);
  if (type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE) {
    impl.shared.add_reset_token(*token, impl.id.slot);
  } else {
    impl.shared.remove_reset_token(*token, impl.id.slot);
  }
  return 0;
}

int get_path_challenge_data(ngtcp2_conn*, ngtcp2_path_challenge_data* data, void* user_data) {
  auto& impl = self(user_data);
  impl.has_challenged = true;
  impl.shared.fill_random(data->data, sizeof data->data);
  return 0;
}

int begin_path_validation(ngtcp2_conn*, std::uint32_t, const ngtcp2_path* path, const ngtcp2_path*,
                          void* user_data) {
  self(user_data).tell_path(PathEvent::Type::probing, to_path(*path));
  return 0;
}

int select_preferred_addr(ngtcp2_conn*, ngtcp2_path* dest, const ngtcp2_preferred_addr* offered,
                          void* user_data) {
  self(user_data).choose_preferred_address(*dest, *offered);
  return 0;
}

int path_validation(ngtcp2_conn*, std::uint32_t flags, const ngtcp2_path* path, const ngtcp2_path*,
                    ngtcp2_path_validation_result result, void* user_data) {
  auto& impl = self(user_data);
  impl.overtaking.end();
  if (result != NGTCP2_PATH_VALIDATION_RESULT_ABORTED) {
    impl.tell_path(result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS ? PathEvent::Type::validated
                                                                   : PathEvent::Type::failed,
                   to_path(*path));
  }
  if (result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS &&
      (flags & NGTCP2_PATH_VALIDATION_FLAG_NEW_TOKEN) != 0 && impl.server) {
    impl.submit_new_token();
  }
  return 0;
}

}  // namespace

ngtcp2_callbacks make_callbacks(bool server) noexcept {
  ngtcp2_callbacks callbacks{};
  if (server) {
    callbacks.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
  } else {
    callbacks.client_initial = client_initial;
    callbacks.recv_retry = ngtcp2_crypto_recv_retry_cb;
    callbacks.handshake_confirmed = handshake_confirmed;
    callbacks.recv_new_token = recv_new_token;
    callbacks.select_preferred_addr = select_preferred_addr;
    callbacks.tls_early_data_rejected = tls_early_data_rejected;
  }
  callbacks.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
  callbacks.encrypt = ngtcp2_crypto_encrypt_cb;
  callbacks.decrypt = ngtcp2_crypto_decrypt_cb;
  callbacks.hp_mask = ngtcp2_crypto_hp_mask_cb;
  callbacks.update_key = ngtcp2_crypto_update_key_cb;
  callbacks.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
  callbacks.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
  callbacks.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
  callbacks.handshake_completed = handshake_completed;
  callbacks.recv_tx_key = recv_tx_key;
  callbacks.recv_rx_key = recv_rx_key;
  callbacks.recv_stream_data = recv_stream_data;
  callbacks.acked_stream_data_offset = acked_stream_data_offset;
  callbacks.stream_close = stream_close;
  callbacks.stream_reset = stream_reset;
  callbacks.recv_stop_sending = recv_stop_sending;
  callbacks.extend_max_stream_data = extend_max_stream_data;
  callbacks.extend_max_local_streams_bidi = extend_max_streams_bidi;
  callbacks.extend_max_local_streams_uni = extend_max_streams_uni;
  callbacks.recv_datagram = recv_datagram;
  callbacks.ack_datagram = ack_datagram;
  callbacks.lost_datagram = lost_datagram;
  callbacks.recv_stateless_reset2 = recv_stateless_reset;
  callbacks.rand = fill_random;
  callbacks.get_new_connection_id2 = get_new_connection_id;
  callbacks.remove_connection_id = remove_connection_id;
  callbacks.dcid_status2 = dcid_status;
  callbacks.get_path_challenge_data2 = get_path_challenge_data;
  callbacks.begin_path_validation = begin_path_validation;
  callbacks.path_validation = path_validation;
  return callbacks;
}

}  // namespace quoin::inline v0::quic
