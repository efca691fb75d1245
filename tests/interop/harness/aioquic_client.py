# SPDX-License-Identifier: MIT
"""What the clients by aioquic with a task of their own have in common: options, and how they connect.

Run by the Python of the peers' root folder, which has aioquic; only such clients may import it.
"""

import argparse

from aioquic.asyncio import connect
from aioquic.quic.configuration import QuicConfiguration


class Target:
    """The server that --host, --port and --certificate name; `settings` are QuicConfiguration's."""

    def __init__(self, **settings):
        parser = argparse.ArgumentParser()
        parser.add_argument("--host", required=True)
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--certificate", required=True)
        self.options = parser.parse_args()
        self.authority = f"localhost:{self.options.port}"
        self.configuration = QuicConfiguration(
            is_client=True, alpn_protocols=["h3"], server_name="localhost", **settings)
        self.configuration.load_verify_locations(cafile=self.options.certificate)

    def dial(self, protocol):
        return connect(self.options.host, self.options.port, configuration=self.configuration, create_protocol=protocol)


def encode(fields):
    return [(name.encode(), value.encode()) for name, value in fields.items()]
