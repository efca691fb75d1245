# SPDX-License-Identifier: MIT
"""A client that says what it needs first (RFC 9218) by aioquic, which knows neither the field nor the frame.

Run by the Python of the peers' root folder. It asks for /log, /video, /picture, /style and /banner, of which the
video fills the link for seconds, and prints their names in the order in which they were complete.
"""

import asyncio

from aioquic.asyncio import QuicConnectionProtocol
from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import H3Connection, encode_frame
from aioquic.h3.events import DataReceived

from aioquic_client import Target, encode

PRIORITY_UPDATE = 0xF0700
PATIENCE = 30


class Viewer(QuicConnectionProtocol):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http = H3Connection(self._quic)
        self.names, self.received = {}, {}
        self.over, self.video_flows, self.all_over = [], asyncio.Event(), asyncio.Event()

    def quic_event_received(self, event):
        for received in self.http.handle_event(event):
            name = self.names.get(getattr(received, "stream_id", None))
            if isinstance(received, DataReceived):
                self.received[name] = self.received.get(name, 0) + len(received.data)
                if self.received.get("video", 0) > 200_000:
                    self.video_flows.set()
            if getattr(received, "stream_ended", False):
                self.over.append(name)
                if len(self.over) == len(self.names):
                    self.all_over.set()

    def ask(self, authority, name, priority=None):
        stream = self._quic.get_next_available_stream_id()
        self.names[stream] = name
        fields = {":method": "GET", ":scheme": "https", ":authority": authority, ":path": f"/{name}"}
        fields |= {"priority": priority} if priority else {}
        self.http.send_headers(stream, encode(fields), end_stream=True)
        return stream

    def update(self, stream, priority):
        frame = encode_frame(PRIORITY_UPDATE, encode_uint_var(stream) + priority.encode())
        self._quic.send_stream_data(self.http._local_control_stream_id, frame)


async def look(viewer, authority):
    await viewer.wait_connected()
    viewer.ask(authority, "log", "u=7")
    viewer.ask(authority, "video")
    picture = viewer.ask(authority, "picture", "u=6")
    viewer.transmit()
    await asyncio.wait_for(viewer.video_flows.wait(), PATIENCE)
    viewer.ask(authority, "style", "u=0")
    viewer.update(picture, "u=2")  # it was scrolled into view
    viewer.update(viewer._quic.get_next_available_stream_id(), "u=1")  # which no request has yet
    viewer.ask(authority, "banner")
    viewer.transmit()
    await asyncio.wait_for(viewer.all_over.wait(), PATIENCE)
    print("order", *viewer.over)


async def main():
    target = Target(max_data=16 << 20, max_stream_data=16 << 20)  # so that nothing else decides
    async with target.dial(Viewer) as viewer:
        await look(viewer, target.authority)


if __name__ == "__main__":
    asyncio.run(main())
