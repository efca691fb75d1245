# SPDX-License-Identifier: MIT
"""An HTTP/1.1 file server that also takes uploads: what stands behind reverse proxies in tests, or beside HTTP/3."""

import functools
import http.server
import ssl
import threading


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments, uploads, alt_svc, **named):
        self.uploads, self.alt_svc = uploads, alt_svc
        super().__init__(*arguments, **named)

    def log_message(self, format, *arguments):
        pass  # the peer in front has a log of its own

    def end_headers(self):
        if self.alt_svc:
            self.send_header("Alt-Svc", self.alt_svc)
        super().end_headers()

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            left = int(self.headers.get("Content-Length", 0))
            while left > 0 and (data := self.rfile.read(min(left, 1 << 16))):
                left -= len(data)
                yield data
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def do_PUT(self):
        name = self.path.rsplit("/", 1)[-1]
        with open(self.uploads / name, "wb") as out:
            for data in self.body():
                out.write(data)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024  # a proxy opens a hundred connections at once; the default of 5 resets some


class Origin:
    """Serves until `close` on a port of its own choice; over TLS with the certificate in the folder `certs`."""

    def __init__(self, www, uploads, certs=None, alt_svc=None):
        handler = functools.partial(Handler, directory=www, uploads=uploads, alt_svc=alt_svc)
        self.server = Server(("127.0.0.1", 0), handler)
        if certs:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certs / "cert.pem", certs / "priv.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
