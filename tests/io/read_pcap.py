#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints a capture of UDP over raw IP, a line a packet, and fails on whatever is wrong with it. Usage: read_pcap.py FILE"""

import ipaddress
import struct
import sys


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(data):
    if data[0] >> 4 == 4:
        (first, tos, size, _, flags, _, protocol, _) = struct.unpack(">BBHHHBBH", data[:12])
        assert first == 0x45 and size == len(data) and flags == 0x4000, "IPv4 header"
        assert checksum(data[:20]) == 0, "IPv4 checksum"
        source, target, udp = data[12:16], data[16:20], data[20:]
    else:
        (first, size, protocol, _) = struct.unpack(">IHBB", data[:8])
        assert first >> 28 == 6 and size == len(data) - 40, "IPv6 header"
        tos = (first >> 20) & 0xFF
        source, target, udp = data[8:24], data[24:40], data[40:]
    assert protocol == 17, "not UDP"
    (source_port, target_port, length, check) = struct.unpack(">HHHH", udp[:8])
    assert length == len(udp) and check != 0, "UDP header"
    assert checksum(source + target + struct.pack(">II", 17, len(udp)) + udp) == 0, "UDP checksum"
    names = [ipaddress.ip_address(ip) for ip in (source, target)]
    return f"{names[0]}:{source_port} > {names[1]}:{target_port} ecn {tos & 3}: ", udp[8:]


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    (magic, major, minor, _, _, snap, link) = struct.unpack(">IHHIIII", data[:24])
    assert (magic, major, minor, link) == (0xA1B23C4D, 2, 4, 101), "file header"
    place = 24
    while place < len(data):
        (seconds, nanoseconds, size, original) = struct.unpack(">IIII", data[place : place + 16])
        assert size == original <= snap and nanoseconds < 10**9, "record"
        text, payload = packet(data[place + 16 : place + 16 + size])
        shown = payload.decode() if payload.isascii() and len(payload) < 80 else f"{len(payload)} bytes"
        print(f"{seconds}.{nanoseconds:09} {text}{shown}")
        place += 16 + size
    assert place == len(data), "cut short"


main()
