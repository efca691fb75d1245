// SPDX-License-Identifier: MIT
// Handles name things as pointers do: whoever has a constant one can do everything with it, also
// in a lambda that is not mutable. Compiled only.
#include <utility>

#include <quoin/client.hpp>
#include <quoin/connection.hpp>
#include <quoin/request.hpp>
#include <quoin/tls_answer.hpp>
#if __has_include(<quoin/websocket.hpp>)
#include <quoin/websocket.hpp>
#endif

void server_side(const quoin::Request& request, const quoin::Response& response,
                 const quoin::TlsAnswer& answer);
void client_side(const quoin::Call& call);
void plain(const quoin::Connection& connection, const quoin::Stream& stream);

void server_side(const quoin::Request& request, const quoin::Response& response,
                 const quoin::TlsAnswer& answer) {
  request.on_body({});
  request.read_body(1, {});
  request.on_datagram({});
  request.resume();
  response.status(200).header("a", "b").headers({}).trailer("c", "d").timeout({}).prioritize({});
  response.inform(103);
  response.stream({});
  response.end("text");
  response.resume();
  (void)response.send_datagram({});
  response.fail("why");
  response.reset();
  response.on_closed({});
  (void)answer.refuse("why");
}

void client_side(const quoin::Call& call) {
  call.resume();
  call.prioritize({});
  call.trailer("a", "b");
  (void)call.send_datagram({});
  call.cancel();
}

void plain(const quoin::Connection& connection, const quoin::Stream& stream) {
  connection.on_stream({});
  connection.on_closed({});
  connection.close(0);
  stream.on_data({});
  (void)stream.prioritize({});
  stream.reset(0);
  stream.stop_sending(0);
  stream.on_closed({});
}

#if __has_include(<quoin/websocket.hpp>)
void websocket(const quoin::WebSocket& socket);

void websocket(const quoin::WebSocket& socket) {
  (void)socket.send_text("text");
  (void)socket.ping();
  (void)socket.close();
  socket.reset();
  socket.pause();
  socket.resume();
  socket.on_message({});
  socket.on_writable({});
  socket.on_pong({});
  socket.on_closed({});
}
#endif
