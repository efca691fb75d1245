# SPDX-License-Identifier: MIT
"""An HTTP/3 file client and server on aioquic, small ones, for the interop tests.

Run by the Python of the peers' root folder, which has aioquic; nothing else here may import it.
Bodies are held in memory, so give it files of a few MiB.
"""

import argparse
import asyncio
import pathlib
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated


class Protocol(QuicConnectionProtocol):
    """Collects each stream's header and body and calls `on_message` when the stream has ended."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http = H3Connection(self._quic)
        self.headers, self.bodies = {}, {}

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.on_terminated(event)
        for received in self.http.handle_event(event):
            stream = received.stream_id
            if isinstance(received, HeadersReceived):
                self.headers.setdefault(stream, dict(received.headers))
            elif isinstance(received, DataReceived):
                self.bodies.setdefault(stream, []).append(received.data)
            if received.stream_ended:
                body = b"".join(self.bodies.pop(stream, []))
                self.on_message(stream, self.headers.pop(stream), body)

    def on_terminated(self, event):
        pass

    def send(self, stream, headers, body):
        self.http.send_headers(stream, headers, end_stream=not body)
        if body:
            self.http.send_data(stream, body, end_stream=True)
        self.transmit()


class Client(Protocol):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.waiting = {}

    def on_message(self, stream, headers, body):
        self.waiting.pop(stream).set_result((headers, body))

    def on_terminated(self, event):
        for future in self.waiting.values():
            future.set_exception(ConnectionError(f"{event.error_code} {event.reason_phrase}"))
        self.waiting.clear()

    async def request(self, method, authority, path, body=b""):
        stream = self._quic.get_next_available_stream_id()
        future = self.waiting[stream] = asyncio.get_running_loop().create_future()
        headers = [(b":method", method.encode()), (b":scheme", b"https")]
        headers += [(b":authority", authority.encode()), (b":path", path.encode())]
        self.send(stream, headers, body)
        return await future


class Server(Protocol):
    www = uploads = None

    def on_message(self, stream, headers, body):
        name = headers[b":path"].decode().lstrip("/")
        if headers[b":method"] == b"PUT":
            (self.uploads / name).write_bytes(body)
            status, content = b"201", b""
        elif (self.www / name).is_file():
            status, content = b"200", (self.www / name).read_bytes()
        else:
            status, content = b"404", b""
        length = str(len(content)).encode()
        self.send(stream, [(b":status", status), (b"content-length", length)], content)


async def run_client(options):
    configuration = QuicConfiguration(is_client=True, alpn_protocols=["h3"], server_name="localhost")
    configuration.load_verify_locations(cafile=str(options.certs / "ca.pem"))
    limit = asyncio.Semaphore(100)
    authority = f"localhost:{options.port}"

    async def one(client, name):
        async with limit:
            if options.action == "fetch":
                headers, body = await client.request("GET", authority, f"/{name}")
                (options.downloads / name).write_bytes(body)
            else:
                data = (options.www / name).read_bytes()
                path = f"/{options.upload_folder}{name}"
                headers, _ = await client.request("PUT", authority, path, data)
            if not headers[b":status"].startswith(b"2"):
                sys.exit(f"{name}: status {headers[b':status'].decode()}")

    names = options.names.read_text().split()
    async with connect(
        options.host, options.port, configuration=configuration, create_protocol=Client
    ) as client:
        await asyncio.gather(*(one(client, name) for name in names))


async def run_server(options):
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    configuration.load_cert_chain(options.certs / "cert.pem", options.certs / "priv.key")
    Server.www, Server.uploads = options.www, options.uploads
    await serve(
        options.host,
        options.port,
        configuration=configuration,
        create_protocol=Server,
        retry=options.retry,
    )
    await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["server", "fetch", "upload"])
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--retry", action="store_true")
    parser.add_argument("--upload-folder", default="")
    for folder in ("certs", "www", "uploads", "downloads", "names"):
        parser.add_argument(f"--{folder}", type=pathlib.Path)
    options = parser.parse_args()
    asyncio.run(run_server(options) if options.action == "server" else run_client(options))


if __name__ == "__main__":
    main()
