#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
"""Measures how long chat texts are delayed while one hook closes thousands of clients at once.

    Tests/Benchmarks/mass-leave.py [LUAR [CLIENTS]]     (default .build/release/luar, 10000 clients)

Prints the largest delay of a text between two other clients. The goal is less than 50 ms. The hook may run longer than
hooks usually may, so that it really closes all of them. Needs CLIENTS + 100 open files.
"""

import select
import sys
import time

import luar_process

SCRIPT = """
local commands = require("commands")
commands.add("/pair", "go to the room of the two who chat", function(client) client.room = "pair" end)
commands.add("/boss", "go to a room of its own", function(client) client.room = "boss" end)
commands.add("/close", "close all clients of the first room", function(client)
  for _, other in ipairs(relay.clients("tcp")) do other:close("closed") end
  client:send("closed")
end)
"""


def main():
    luar = sys.argv[1] if len(sys.argv) > 1 else ".build/release/luar"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    luar_process.raise_file_limit()
    options = ["--client-limit", str(count + 10), "--hook-time", "60s", "--hook-instructions", "2000000000"]
    with luar_process.Relay(luar, {"mass.lua": SCRIPT}, options) as relay:
        boss = relay.connect()
        boss.sendall(b"/boss\n")
        clients = [relay.connect() for _ in range(count)]
        chatters = luar_process.Chatters(relay, "/pair")
        time.sleep(1.5)
        start = time.monotonic()
        boss.sendall(b"/close\n")
        poll = select.epoll()
        for client in clients:
            poll.register(client, select.EPOLLIN | select.EPOLLRDHUP)
        left = {client.fileno(): client for client in clients}
        while left and time.monotonic() < start + 60:
            for descriptor, _ in poll.poll(1, len(clients)):
                # A client may have got texts before it was closed.
                try:
                    is_open = left[descriptor].recv(1 << 16) != b""
                except ConnectionResetError:
                    is_open = False
                if not is_open:
                    poll.unregister(descriptor)
                    del left[descriptor]
        elapsed = time.monotonic() - start
        time.sleep(0.5)
        texts, largest, percentile = chatters.finish()
        print(
            f"mass-leave: {count - len(left)} of {count} clients closed after {elapsed * 1000:.0f} ms; "
            f"{texts} texts, largest delay {largest:.1f} ms (p99 {percentile:.1f} ms)"
        )
        failures = relay.log().count("hook failed")
        if failures:
            print(f"  the log has {failures} failed hooks")


if __name__ == "__main__":
    main()
