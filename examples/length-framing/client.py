#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
"""Chats on a relay that runs with --framing length: python3 client.py [HOST [PORT]]

A line that is typed is a text; "\\n" in it is a line break.
"""
import socket
import struct
import sys
import threading


def send(stream, text):
    data = text.encode()
    stream.write(struct.pack(">I", len(data)) + data)
    stream.flush()


def receive(stream):
    """The next text; None at the end."""
    header = stream.read(4)
    if len(header) < 4:
        return None
    (length,) = struct.unpack(">I", header)
    data = stream.read(length)
    return data.decode(errors="replace") if len(data) == length else None


def show(stream):
    while (text := receive(stream)) is not None:
        print(text, flush=True)


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 12345
    with socket.create_connection((host, port)) as connection, connection.makefile("rwb") as stream:
        shower = threading.Thread(target=show, args=(stream,), daemon=True)
        shower.start()
        for line in sys.stdin:
            send(stream, line.rstrip("\n").replace("\\n", "\n"))
        # Nothing more is said; what is on its way still arrives.
        connection.shutdown(socket.SHUT_WR)
        shower.join()


if __name__ == "__main__":
    main()
