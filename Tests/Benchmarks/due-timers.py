#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
"""Measures how long chat texts are delayed by many timers of scripts.

    Tests/Benchmarks/due-timers.py [LUAR [SECONDS]]     (default .build/release/luar, 5 s for each case)

`same moment`: 1,000 timers that are due at the same moment, once a second, each working for 0.05 ms.
`every 10 ms`: 100 timers that are due every 10 ms, each working for 0.1 ms: as much as there is time for.

Prints the largest delay of a text between two clients in each case. The goal is less than 20 ms.
"""

import sys
import time

import luar_process

# The work is a time, not a number of loops, so that a slow machine changes nothing.
SCRIPT = """
local commands = require("commands")
commands.add("/pair", "go to the room of the two who chat", function(client) client.room = "pair" end)
local function work()
  local last = relay.now() + {work}
  while relay.now() < last do end
end
for _ = 1, {count} do relay.every({interval}, work) end
"""

CASES = [
    ("same moment", {"count": 1000, "interval": 1, "work": 0.00005}),
    ("every 10 ms", {"count": 100, "interval": 0.01, "work": 0.0001}),
    ("no timers", {"count": 0, "interval": 1, "work": 0.0001}),
]


def main():
    luar = sys.argv[1] if len(sys.argv) > 1 else ".build/release/luar"
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5
    for name, values in CASES:
        with luar_process.Relay(luar, {"timers.lua": SCRIPT.format(**values)}) as relay:
            chatters = luar_process.Chatters(relay, "/pair")
            time.sleep(seconds)
            texts, largest, percentile = chatters.finish()
            print(f"due-timers, {name}: {texts} texts, largest delay {largest:.1f} ms (p99 {percentile:.1f} ms)")


if __name__ == "__main__":
    main()
