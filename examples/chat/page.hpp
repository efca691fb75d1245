// SPDX-License-Identifier: MIT
/// The chat room in a browser: a page that opens a WebSocket to the server that
/// it came from.
#pragma once

#include <string_view>

#include <quoin/server.hpp>

namespace chat {

/// What is behind # in the page's address is said at once.
inline constexpr std::string_view page =
    R"(<!doctype html><meta charset="utf-8"><title>Chat</title>
<form><input autofocus placeholder="Say something"></form><pre></pre>
<script>
const [input] = document.getElementsByTagName("input");
const [room] = document.getElementsByTagName("pre");
const show = text => room.append(text + "\n");
const socket = new WebSocket(`wss://${location.host}/chat`);
socket.onopen = () => {
  if (location.hash) socket.send(decodeURIComponent(location.hash.slice(1)));
};
socket.onmessage = message => show(message.data);
socket.onclose = end => show(`over, code ${end.code}`);
document.forms[0].onsubmit = event => {
  event.preventDefault();
  socket.send(input.value);
  input.value = "";
};
</script>
)";

/// Gives `server` the page at `/`.
inline void serve_page(quoin::Server& server) {
  server.get("/", [](quoin::Request, quoin::Response response) {
    response.header("content-type", "text/html; charset=utf-8").end(page);
  });
}

}  // namespace chat
