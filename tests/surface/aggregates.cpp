// SPDX-License-Identifier: MIT
// One member of each public struct by its name: what is left out has a default, so no compiler
// warns. Compiled with -Wextra -Werror by the compilers there are; check_surface.cmake sees to it
// that no struct is missing. Settings can be copied: one value may serve several servers.
#include <concepts>

#include <quoin/client.hpp>
#include <quoin/dialer.hpp>
#include <quoin/doctor.hpp>
#include <quoin/h3/capsule.hpp>
#include <quoin/h3/qpack.hpp>
#include <quoin/io/conformance.hpp>
#include <quoin/simulated.hpp>
#include <quoin/url.hpp>
#include <quoin/workers.hpp>
#if __has_include(<quoin/websocket.hpp>)
#include <quoin/websocket.hpp>
#endif

namespace {

using namespace quoin;

template <std::copyable... Settings>
constexpr bool all_copyable = true;

static_assert(
    all_copyable<ServerConfig, FileOptions, ClientConfig, quic::Config, h3::Config,
                 quic::StreamsConfig, quic::ConnectOptions, quic::RoutableCids, io::SocketOptions,
                 io::Link, DoctorOptions, h3::QpackEncoderConfig, h3::QpackDecoderConfig, Tls>);

// Each is named in a function that is never called.
void facade(const Headers& headers) {
  (void)ClientConfig{.quic = {}};
  (void)Timing{.reused = true};
  (void)Reply{.status = 200};
  (void)ClientRequest{.url = "https://quoin.example/"};
  (void)ClientCallbacks{.on_headers = {}};
  (void)ClientStats{.requests = 1};
  (void)ServerConfig{.early_unsafe = true};
  (void)FileOptions{.listing = true};
  (void)Access{.method = "GET", .headers = headers};
  (void)ServerStats{.requests = 1};
  (void)Outcome{.status = 200};
  (void)ConnectionInfo{.number = 1};
  (void)AltService{.port = 443};
  (void)AltSvcEntry{.port = 443};
  (void)Url{.port = 443};
  (void)Priority{.urgency = 1};
  (void)DoctorOptions{.timeout = {}};
  (void)Filled{.bytes = 1};
  (void)Path{.local = {}};
  (void)Datagram{.segment_size = 1200};
  (void)LibraryVersion{.major = 1};
}

void engine() {
  (void)TlsRequestId{.number = 1};
  (void)TlsRequest{.server_name = "quoin.example"};
  (void)quic::PathEvent{.udp_payload = 1200};
  (void)quic::StreamWrite{.fin = true};
  (void)quic::RoutableCids{.nonce_size = 8};
  (void)quic::StreamsConfig{.send_buffer = 1};
  (void)quic::StreamPriority{.urgency = 1};
  (void)quic::StreamEvent{.bidirectional = true};
  (void)quic::StreamChunk{.last = true};
  (void)quic::EndpointStats{.connections = 1};
  (void)quic::Config{.early_data = true};
  (void)quic::ConnectOptions{.early_data = true};
  (void)quic::ConnectionKey{.slot = 1};
  (void)quic::Stats{.bytes_sent = 1};
  (void)TlsInfo{.resumed = true};
  (void)h3::Config{.datagrams = true};
  (void)h3::Event{.early = true};
  (void)h3::Chunk{.last = true};
  (void)h3::QpackLimits{.capacity = 0};
  (void)h3::QpackEncoderConfig{.max_capacity = 0};
  (void)h3::QpackDecoderConfig{.max_fields = 1};
  (void)h3::QpackSection{.stream = quic::no_stream};
  (void)h3::Capsule{.type = 1};
}

void backends(io::Backend& backend, const Datagram& datagram) {
  (void)io::Finding{.subject = "GSO"};
  (void)io::Capabilities{.ecn = true};
  (void)io::PathError{.path = {}};
  (void)io::SocketOptions{.workers = 2};
  (void)io::ConformanceSubject{.a = backend, .b = backend};
  (void)io::ConformanceResult{.requirement = "answers"};
  (void)io::Burst{.loss = 1};
  (void)io::Link{.loss = 1};
  (void)io::Observation{.number = 1, .datagram = datagram};
}

#if __has_include(<quoin/websocket.hpp>)
static_assert(all_copyable<WebSocketOptions, WebSocketRequest, WebSocketMessage>);

void websockets() {
  (void)WebSocketMessage{.data = "text"};
  (void)WebSocketEnd{.clean = true};
  (void)WebSocketOptions{.max_message = 1};
  (void)WebSocketStats{.messages_sent = 1};
  (void)WebSocketRequest{.url = "wss://quoin.example/"};
}
#endif

}  // namespace

// So that no function is unused.
void use_all(const quoin::Headers& headers, quoin::io::Backend& backend,
             const quoin::Datagram& datagram);

void use_all(const quoin::Headers& headers, quoin::io::Backend& backend,
             const quoin::Datagram& datagram) {
  facade(headers);
  engine();
  backends(backend, datagram);
#if __has_include(<quoin/websocket.hpp>)
  websockets();
#endif
}
