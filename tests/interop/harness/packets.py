# SPDX-License-Identifier: MIT
"""Reads what a QUIC v1 datagram shows without keys (RFC 9000 §17): the types of its long headers."""

INITIAL, ZERO_RTT, HANDSHAKE, RETRY = range(4)
V1, V2 = b"\0\0\0\1", b"\x6b\x33\x43\xcf"


def variable_length(data, at):
    length = 1 << (data[at] >> 6)
    value = int.from_bytes(data[at : at + length], "big") & ((1 << (8 * length - 2)) - 1)
    return value, at + length


def long_header_types(datagram):
    """The types of all coalesced packets up to the first short header."""
    types, at = [], 0
    try:
        while at < len(datagram) and datagram[at] & 0x80:
            if datagram[at + 1 : at + 5] != V1:
                return types
            kind = datagram[at] >> 4 & 3
            types.append(kind)
            if kind == RETRY:
                return types
            at += 5
            at += 1 + datagram[at]  # destination connection ID
            at += 1 + datagram[at]  # source connection ID
            if kind == INITIAL:
                token, at = variable_length(datagram, at)
                at += token
            length, at = variable_length(datagram, at)
            at += length
    except IndexError:
        pass  # a corrupted length: what was read so far has to do
    return types


class Watcher:
    """Sees every datagram of a relay and keeps what cases ask about."""

    def __init__(self):
        self.retries = 0
        self.early = 0  # datagrams with 0-RTT packets
        self.versions = set()  # of long headers
        self.client_bytes = self.server_bytes = 0
        self.validated = False
        self.amplification = 0.0  # most bytes sent per byte received before address validation

    def on_datagram(self, direction, datagram):
        types = long_header_types(datagram)
        if datagram and datagram[0] & 0x80:
            self.versions.add(datagram[1:5])
        self.early += ZERO_RTT in types
        if direction == "to_server":
            self.client_bytes += len(datagram)
            self.validated = self.validated or HANDSHAKE in types
            return
        self.retries += RETRY in types
        self.server_bytes += len(datagram)
        if not self.validated and self.client_bytes:
            self.amplification = max(self.amplification, self.server_bytes / self.client_bytes)
