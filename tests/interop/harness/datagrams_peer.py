# SPDX-License-Identifier: MIT
"""A client that sends HTTP datagrams (RFC 9297) by aioquic, for examples/http_datagrams.cpp, which sends them back.

Run by the Python of the peers' root folder.
"""

import asyncio
import sys

from aioquic.asyncio import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection, Setting
from aioquic.h3.events import DatagramReceived, HeadersReceived
from aioquic.quic.events import StreamReset

from aioquic_client import Target, encode

PATIENCE = 20
SIZES = (1, 2, 100, 1000)


class Http(H3Connection):
    """aioquic says that it takes datagrams only together with WebTransport, which is another matter."""

    def _get_local_settings(self):
        return {**super()._get_local_settings(), Setting.H3_DATAGRAM: 1}


class Sender(QuicConnectionProtocol):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http = Http(self._quic)
        self.happened = asyncio.Queue()

    def quic_event_received(self, event):
        if isinstance(event, StreamReset):
            self.happened.put_nowait((event.stream_id, f"reset {event.error_code:#x}"))
        for received in self.http.handle_event(event):
            if isinstance(received, HeadersReceived):
                self.happened.put_nowait((received.stream_id, dict(received.headers)[b":status"]))
            elif isinstance(received, DatagramReceived):
                self.happened.put_nowait((received.stream_id, received.data))
            if getattr(received, "stream_ended", False):
                self.happened.put_nowait((received.stream_id, "end"))

    async def expect(self, *wanted):
        """All of these (stream, what happened there), in any order, and nothing else before."""
        wanted = list(wanted)
        while wanted:
            event = await asyncio.wait_for(self.happened.get(), PATIENCE)
            if event not in wanted:
                sys.exit(f"on stream {event[0]} came {event[1][:40]!r} instead of {wanted[0][1][:40]!r}")
            wanted.remove(event)

    def ask(self, authority, method, **more):
        stream = self._quic.get_next_available_stream_id()
        fields = {":method": method, **more, ":scheme": "https", ":authority": authority, ":path": "/echo"}
        self.http.send_headers(stream, encode(fields), end_stream=method == "GET")
        self.transmit()
        return stream

    def say(self, stream, data):
        self.http.send_datagram(stream, data)
        self.transmit()


async def talk(sender, authority):
    await sender.wait_connected()
    one, other = (sender.ask(authority, "CONNECT", **{":protocol": "echo"}) for _ in range(2))
    await sender.expect((one, b"200"), (other, b"200"))
    settings = sender.http.received_settings
    if settings.get(Setting.H3_DATAGRAM) != 1 or settings.get(Setting.ENABLE_CONNECT_PROTOCOL) != 1:
        sys.exit(f"the server's settings do not say what it takes: {settings}")
    for size in SIZES:
        sender.say(one, b"1" * size)
        sender.say(other, b"2" * size)
        await sender.expect((one, b"1" * size), (other, b"2" * size))
    sender.say(other + 400, b"for a request that nobody has made")  # is dropped, and harms nobody
    sender.say(one, b"")
    await sender.expect((one, b""))
    sender.http.send_data(one, b"", end_stream=True)
    sender.transmit()
    await sender.expect((one, "end"))
    sender.say(one, b"too late")  # is dropped as well
    sender.say(other, b"still there")
    await sender.expect((other, b"still there"))


async def main():
    target = Target(max_datagram_frame_size=65535)
    async with target.dial(Sender) as sender:
        await talk(sender, target.authority)


if __name__ == "__main__":
    asyncio.run(main())
