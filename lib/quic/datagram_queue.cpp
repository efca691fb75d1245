// SPDX-License-Identifier: MIT
/// Outgoing datagrams (RFC 9221): the queue, the frames, and their fates.

#include "quic/datagram_queue.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "quic/connection_impl.hpp"
#include "quic/ngtcp2/reclaimed_datagrams.h"

namespace quoin::inline v0::quic {

bool DatagramQueue::push(Bytes data, std::size_t limit, DatagramPolicy policy) {
  if (waiting_.size() >= limit) {
    switch (policy) {
      case DatagramPolicy::refuse:
        ++refused;
        return false;
      case DatagramPolicy::drop_newest:
        note_dropped(DatagramId{next_id_++});
        return true;
      case DatagramPolicy::drop_oldest:
        note_dropped(front().id);
        pop_front();
        break;
    }
  }
  waiting_.push_back({.id = DatagramId{next_id_++}, .data = {data.begin(), data.end()}});
  bytes_ += data.size();
  return true;
}

void DatagramQueue::note_dropped(DatagramId id) noexcept {
  if (dropped_count_ == 0) first_dropped_ = static_cast<std::uint64_t>(id);
  ++dropped_count_;
}

void DatagramQueue::note_sent() {
  unsettled_.push_back({.id = front().id});
  pop_front();
  ++sent;
}

DatagramQueue::Sent* DatagramQueue::find_sent(DatagramId id) noexcept {
  std::size_t begin = 0;
  std::size_t end = unsettled_.size();
  while (begin < end) {
    const std::size_t middle = begin + (end - begin) / 2;
    if (unsettled_[middle].id < id) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin < unsettled_.size() && unsettled_[begin].id == id ? &unsettled_[begin] : nullptr;
}

void DatagramQueue::settle(DatagramId id) noexcept {
  if (Sent* const found = find_sent(id)) found->is_settled = true;
  while (has_unsettled() && unsettled_.front().is_settled) (void)unsettled_.pop_front();
}

void Connection::Impl::tell_fate(DatagramId datagram, DatagramFate fate) {
  switch (fate) {
    case DatagramFate::acknowledged:
      ++datagrams.acknowledged;
      break;
    case DatagramFate::lost:
      ++datagrams.lost;
      break;
    case DatagramFate::dropped:
      ++datagrams.dropped;
      break;
  }
  datagrams.settle(datagram);
  shared.mark_ready(id.slot);
  application->on_datagram_fate(handle, datagram, fate);
}

void Connection::Impl::watch_reclaimed_datagrams() {
  quoin_ngtcp2_take_reclaimed_datagrams(
      conn.get(),
      [](void* context, std::uint64_t datagram, std::int64_t packet) {
        static_cast<DatagramQueue*>(context)->watch(DatagramId{datagram}, packet);
      },
      &datagrams);
}

void Connection::Impl::tell_lost() {
  if (!datagrams.has_watched()) return;
  datagrams.take_lost(
      [this](std::int64_t packet) { return quoin_ngtcp2_is_under_way(conn.get(), packet) != 0; },
      [this](DatagramId each) { tell_fate(each, DatagramFate::lost); });
}

void Connection::Impl::tell_rest() {
  datagrams.take_unsettled([this](DatagramId each) { tell_fate(each, DatagramFate::lost); });
  tell_dropped();
  while (!datagrams.empty()) {
    const DatagramId next_id = datagrams.front().id;
    datagrams.pop_front();
    tell_fate(next_id, DatagramFate::dropped);
  }
}

void Connection::Impl::tell_dropped() {
  datagrams.take_dropped([this](DatagramId each) { tell_fate(each, DatagramFate::dropped); });
}

Result<DatagramId> Connection::Impl::send_datagram(Bytes data) {
  if (state != State::connected) return std::unexpected(Error{UsageError::closed});
  const std::size_t limit = handle.max_datagram_size();
  if (limit == 0) {
    return std::unexpected(
        Error{UsageError::unsupported, "the peer does not accept DATAGRAM frames"});
  }
  if (data.size() > limit) {
    return std::unexpected(
        Error{UsageError::too_large,
              std::to_string(data.size()) + " bytes; the path takes " + std::to_string(limit)});
  }
  const DatagramId given = datagrams.next_id();
  if (!datagrams.push(data, shared.config.datagram_queue, shared.config.datagram_policy)) {
    return std::unexpected(Error{UsageError::limit_reached, "the DATAGRAM queue is full"});
  }
  shared.mark_writable(id.slot);
  return given;
}

std::optional<ngtcp2_ssize> Connection::Impl::write_datagram_frame(ngtcp2_path* path,
                                                                   ngtcp2_pkt_info* info,
                                                                   std::uint8_t* dest,
                                                                   std::size_t size,
                                                                   ngtcp2_tstamp now) {
  while (!datagrams.empty()) {
    DatagramQueue::Entry& next = datagrams.front();
    const DatagramId next_id = next.id;
    if (next.data.size() > handle.max_datagram_size()) {
      // Now too large for the path: a datagram may be lost (RFC 9221 §5).
      datagrams.pop_front();
      tell_fate(next_id, DatagramFate::dropped);
      continue;
    }
    const ngtcp2_vec slice{.base = to_octets(std::span{next.data}), .len = next.data.size()};
    int accepted = 0;
    const ngtcp2_ssize written = ngtcp2_conn_writev_datagram(
        conn.get(), path, info, dest, size, &accepted, NGTCP2_WRITE_DATAGRAM_FLAG_MORE,
        static_cast<std::uint64_t>(next_id), &slice, 1, now);
    if (accepted != 0) {
      datagrams.note_sent();
    } else if (written == NGTCP2_ERR_INVALID_ARGUMENT) {
      datagrams.pop_front();
      tell_fate(next_id, DatagramFate::dropped);
    }
    if (written == NGTCP2_ERR_WRITE_MORE || written == NGTCP2_ERR_INVALID_ARGUMENT) continue;
    return written;
  }
  return std::nullopt;
}

std::size_t Connection::max_datagram_size() const noexcept {
  const ngtcp2_transport_params* params =
      ngtcp2_conn_get_remote_transport_params2(impl_->conn.get());
  if (params == nullptr || params->max_datagram_frame_size == 0) return 0;
  // Short header with a 20-byte connection ID and 4-byte number, AEAD tag, frame type and length.
  constexpr std::size_t overhead = 1 + 20 + 4 + 16 + 1 + 4;
  constexpr std::uint64_t frame_header = 1 + 4;
  const std::size_t path = impl_->udp_payload_size() - overhead;
  const std::uint64_t frame = params->max_datagram_frame_size > frame_header
                                  ? params->max_datagram_frame_size - frame_header
                                  : 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(path, frame));
}

Result<DatagramId> Connection::send_datagram(Bytes data) { return impl_->send_datagram(data); }

}  // namespace quoin::inline v0::quic
