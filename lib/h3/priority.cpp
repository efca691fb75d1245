// SPDX-License-Identifier: MIT
/// RFC 9218: the field's value, and what a session does about it. nghttp3 keeps the order.
#include <algorithm>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <nghttp3/nghttp3.h>

#include <quoin/error.hpp>
#include <quoin/h3/session.hpp>
#include <quoin/priority.hpp>
#include <quoin/quic/application.hpp>

#include "h3/fields.hpp"
#include "h3/session_impl.hpp"
#include "h3/stream.hpp"

namespace quoin::inline v0 {
namespace {

constexpr std::uint8_t last_urgency = NGHTTP3_URGENCY_LEVELS - 1;

}  // namespace

// The parser of structured fields comes with nghttp3, hence here and not in message/.
Priority Priority::parse(std::string_view field) noexcept {
  nghttp3_pri parsed{.urgency = NGHTTP3_DEFAULT_URGENCY, .inc = 0};
  if (nghttp3_pri_parse_priority(&parsed, h3::octets(field), field.size()) != 0) return {};
  return {.urgency = static_cast<std::uint8_t>(parsed.urgency), .incremental = parsed.inc != 0};
}

std::string Priority::to_string() const {
  std::string text = "u=" + std::to_string(std::min(urgency, last_urgency));
  if (incremental) text += ", i";
  return text;
}

namespace h3 {
Result<> Session::Impl::prioritize(quic::StreamId id, const Priority& priority) {
  const Stream* const stream = find(id);
  if (stream == nullptr || !stream->visible || stream->over || !is_alive()) {
    return std::unexpected(Error{UsageError::stale_handle});
  }
  int result = 0;
  if (server) {
    const nghttp3_pri wanted{.urgency = std::min(priority.urgency, last_urgency),
                             .inc = static_cast<std::uint8_t>(priority.incremental ? 1 : 0)};
    result = nghttp3_conn_set_server_stream_priority(raw(), number(id), &wanted);
  } else {
    const std::string field = priority.to_string();
    result =
        nghttp3_conn_set_client_stream_priority(raw(), number(id), octets(field), field.size());
    connection.want_write();
  }
  if (result == 0) return {};
  fail(result);
  return std::unexpected(Error{UsageError::closed, nghttp3_strerror(result)});
}

Priority Session::Impl::priority(quic::StreamId id) noexcept {
  nghttp3_pri found{.urgency = NGHTTP3_DEFAULT_URGENCY, .inc = 0};
  if (!server || find(id) == nullptr || !is_alive() ||
      nghttp3_conn_get_stream_priority(raw(), &found, number(id)) != 0) {
    return {};
  }
  return {.urgency = static_cast<std::uint8_t>(found.urgency), .incremental = found.inc != 0};
}

Result<> Session::prioritize(quic::StreamId stream, const Priority& priority) {
  return impl_->prioritize(stream, priority);
}

Priority Session::priority(quic::StreamId stream) const noexcept { return impl_->priority(stream); }

}  // namespace h3
}  // namespace quoin::inline v0
