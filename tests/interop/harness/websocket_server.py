# SPDX-License-Identifier: MIT
"""A WebSocket server over HTTP/3 for the interop tests: aioquic's streams, wsproto's frames.

Run by the Python of the peers' root folder. `/echo` speaks the subprotocol `echo.example`: it repeats what it hears,
in fragments with a ping between them; "bye" makes it close with 4001, and
"pongs?" is answered with their number. Any other path is refused with 404.
"""

import argparse
import asyncio
import pathlib

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

SUBPROTOCOL = "echo.example"


class Server(QuicConnectionProtocol):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http = H3Connection(self._quic)
        self.sockets = {}

    def quic_event_received(self, event):
        for received in self.http.handle_event(event):
            if isinstance(received, HeadersReceived):
                self.open(received.stream_id, dict(received.headers))
            elif isinstance(received, DataReceived) and received.stream_id in self.sockets:
                self.sockets[received.stream_id].take(received.data, received.stream_ended)
        self.transmit()

    def open(self, stream, headers):
        wanted = headers.get(b"sec-websocket-protocol", b"").decode().replace(" ", "").split(",")
        is_websocket = headers[b":method"] == b"CONNECT" and headers.get(b":protocol") == b"websocket"
        if not is_websocket or headers.get(b"sec-websocket-version") != b"13" or headers[b":path"] != b"/echo":
            self.http.send_headers(stream, [(b":status", b"404" if is_websocket else b"400")], end_stream=True)
            return
        reply = [(b":status", b"200")]
        if SUBPROTOCOL in wanted:
            reply.append((b"sec-websocket-protocol", SUBPROTOCOL.encode()))
        self.http.send_headers(stream, reply)
        self.sockets[stream] = Socket(self.http, stream)


class Socket:
    def __init__(self, http, stream):
        self.http, self.stream = http, stream
        self.frames = Connection(ConnectionType.SERVER)
        self.message, self.pongs, self.ended = [], 0, False

    def say(self, *frames):
        for frame in frames:
            self.http.send_data(self.stream, self.frames.send(frame), end_stream=False)

    def take(self, data, is_end):
        if data:
            self.frames.receive_data(data)
            for frame in self.frames.events():
                self.handle(frame)
        if not self.ended and (is_end or self.frames.state is ConnectionState.CLOSED):
            self.ended = True
            self.http.send_data(self.stream, b"", end_stream=True)

    def handle(self, frame):
        if isinstance(frame, Ping):
            self.say(frame.response())
        elif isinstance(frame, Pong):
            self.pongs += frame.payload == b"between"
        elif isinstance(frame, CloseConnection):
            if self.frames.state is ConnectionState.REMOTE_CLOSING:
                self.say(frame.response())
        elif isinstance(frame, (TextMessage, BytesMessage)):
            self.message.append(frame.data)
            if frame.message_finished:
                self.answer(frame, self.message)
                self.message = []

    def answer(self, frame, parts):
        whole = parts[0][:0].join(parts)
        if whole == "bye":
            return self.say(CloseConnection(code=4001, reason="as you wish"))
        if whole == "pongs?":
            whole = f"{self.pongs} pongs"
        half, kind = len(whole) // 2, type(frame)
        self.say(kind(data=whole[:half], message_finished=False), Ping(payload=b"between"), kind(data=whole[half:]))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certs", type=pathlib.Path, required=True)
    options = parser.parse_args()
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    configuration.load_cert_chain(options.certs / "cert.pem", options.certs / "priv.key")
    await serve(options.host, options.port, configuration=configuration, create_protocol=Server)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
