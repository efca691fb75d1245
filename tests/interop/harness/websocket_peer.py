# SPDX-License-Identifier: MIT
"""A WebSocket client over HTTP/3 for the interop tests: aioquic's streams, wsproto's frames.

Run by the Python of the peers' root folder. Two of it meet in the chat room of examples/websocket_chat.cpp;
each message must come back as the room says it, and the end must be a proper one.
"""

import asyncio
import sys

from aioquic.asyncio import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping, Pong, TextMessage

from aioquic_client import Target, encode

PATIENCE = 20


class Member(QuicConnectionProtocol):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http = H3Connection(self._quic)
        self.frames = Connection(ConnectionType.CLIENT)
        self.happened = asyncio.Queue()
        self.text = ""
        self.stream = None

    def quic_event_received(self, event):
        for received in self.http.handle_event(event):
            if isinstance(received, HeadersReceived):
                self.happened.put_nowait(dict(received.headers))
            elif isinstance(received, DataReceived):
                self.frames.receive_data(received.data)
                for frame in self.frames.events():
                    self.handle(frame)
                if received.stream_ended:
                    self.happened.put_nowait("end")

    def handle(self, frame):
        if isinstance(frame, Ping):
            self.say(frame.response())
        elif isinstance(frame, TextMessage):
            self.text += frame.data
            if frame.message_finished:
                self.happened.put_nowait(self.text)
                self.text = ""
        else:
            self.happened.put_nowait(frame)

    def enter(self, authority):
        self.stream = self._quic.get_next_available_stream_id()
        fields = {":method": "CONNECT", ":protocol": "websocket", ":scheme": "https", ":authority": authority}
        fields |= {":path": "/chat", "sec-websocket-version": "13"}
        self.http.send_headers(self.stream, encode(fields))
        self.transmit()

    def say(self, *frames):
        for frame in frames:
            self.http.send_data(self.stream, self.frames.send(frame), end_stream=False)
        self.transmit()

    async def until(self, matches, what):
        while True:
            event = await asyncio.wait_for(self.happened.get(), PATIENCE)
            if matches(event):
                return event
            if event == "end":
                sys.exit(f"the stream ended before {what}")

    async def hears(self, ending):
        return await self.until(lambda event: isinstance(event, str) and event.endswith(ending), f"{ending[:40]!r}")


async def chat(one, other, authority):
    for member in (one, other):
        member.enter(authority)
        await member.until(lambda event: isinstance(event, dict) and event[b":status"] == b"200", "a 200")
        await member.hears(" just connected")
    one.say(TextMessage(data="gr\u00fc\u00dfe"))
    await other.hears(": gr\u00fc\u00dfe")
    one.say(TextMessage(data="in ", message_finished=False), Ping(payload=b"between"))
    one.say(TextMessage(data="pieces"))
    await other.hears(": in pieces")
    await one.until(lambda event: isinstance(event, Pong) and event.payload == b"between", "the pong")
    long = "long " * 12_000
    other.say(TextMessage(data=long))
    await one.hears(": " + long)
    other.say(CloseConnection(code=1000, reason="bye"))
    closed = await other.until(lambda event: isinstance(event, CloseConnection), "the close frame")
    if closed.code != 1000:
        sys.exit(f"closed with {closed.code}")
    await other.until(lambda event: event == "end", "")
    await one.hears(" is gone")


async def main():
    target = Target()
    async with target.dial(Member) as one, target.dial(Member) as other:
        await chat(one, other, target.authority)


if __name__ == "__main__":
    asyncio.run(main())
