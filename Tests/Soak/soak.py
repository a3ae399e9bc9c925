#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
"""Runs a relay for minutes under everything that makes its work hard, and checks that chats stay exact.

    Tests/Soak/soak.py [LUAR] [--seconds 180] [--without PART]...     (default LUAR: .build/release/luar)

Needs Python 3.11 and Linux's /proc, nothing else. All of it is on loopback. The parts, each of which can be left out:

    tcp       20 TCP clients in a room; each text must reach each other client exactly once and in order
    udp       5 UDP clients in another room, with the same check
    churn     clients that connect, say something and leave: by /sair, by closing, by a reset, in the middle of a line
    reload    `luar reload` once a second: two versions of a script in turn, and every third time one that does not load
    slow      clients that do not read while somebody talks to them; each must be disconnected
    flood     a client in a room of its own that sends as fast as it can: short lines, lines of 64 KiB, longer ones, garbage
    greed     clients whose texts make a script use up each budget in turn: time, instructions, memory, log lines, comparisons
              of large strings; each is told that its text was not sent, and after a few it is refused
    timers    scripts with timers that always have something to do: 12 ms of work every 10 ms, and an endless `after(0)`

Once a second it reads the relay's memory and its number of open descriptors; their medians in the last third of the run
may exceed those of the middle third by at most MEMORY_MARGIN and DESCRIPTOR_MARGIN. In the end SIGTERM must end the
relay within its flush time and one second, with exit code 0, although one client does not read.

The exit code is 0 if all of this held. A table says what happened.
"""

import argparse
import multiprocessing
import os
import random
import re
import select
import signal
import socket
import statistics
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Benchmarks"))
import luar_process  # noqa: E402

MEMORY_MARGIN = 16 << 20
DESCRIPTOR_MARGIN = 30
FLUSH_SECONDS = 5
# How long texts may still arrive after the last one was sent.
DRAIN_SECONDS = 15

ROOMS = """
local commands = require("commands")
commands.add("/room", "go to a room", function(client, rest)
  client.room = rest:sub(2)
  client:send("in room" .. rest)
end)
relay.on("message", { order = 10 }, function(message)
  local data = message.sender.data
  data.texts = (data.texts or 0) + 1
end)
"""
FORMATS = [
    'relay.on("format", function(m) return m.sender.name .. " says: " .. relay.utf8(m.text) end)',
    'relay.on("format", function(m) return "<" .. m.sender.name .. "> " .. relay.utf8(m.text) .. " (2)" end)',
]
BROKEN = ["relay.on('format', function(", "error('does not load')", "relay.on('no such event', print)"]
TIMERS = """
local function work(seconds)
  local last = relay.now() + seconds
  while relay.now() < last do end
end
relay.every(0.01, function() work(0.012) end)
local function again() relay.after(0, again) end
again()
"""
GREED = """
local hoard, count = {}, 0
local acts = {
  time = function() while true do end end,
  work = function() return ("x"):rep(1e9) end,
  memory = function() while true do count = count + 1 hoard[count] = ("x"):rep(1000) .. count end end,
  strings = function()
    local a, b = ("\\0"):rep(1 << 20), ("\\0"):rep(1 << 20) .. "b"
    while true do local _ = a < b end
  end,
  log = function()
    local fields, text = {}, ("y"):rep(1 << 20)
    for i = 1, 60 do fields["f" .. i] = text end
    while true do relay.log.warn("greed", fields) end
  end,
  error = function() error("greed") end,
}
relay.on("message", { order = 20, on_error = "block" }, function(message)
  local act = acts[message.text:match("^greed (%l+)$")]
  if act then act() return false end
end)
relay.every(2, function() hoard, count = {}, 0 end)
"""
GREEDY_ACTS = ["time", "work", "memory", "strings", "log", "error"]
WITHHELD = "Sua mensagem não foi enviada.".encode()


class Failures:
    """Counts failures and keeps the first few."""

    def __init__(self):
        self.count, self.first = 0, []

    def add(self, text):
        self.count += 1
        if len(self.first) < 5:
            self.first.append(text)


# MARK: The chats that must be exact


class Member:
    """A client of a chat whose texts are numbered."""

    def __init__(self, number, endpoint, members):
        self.number, self.endpoint = number, endpoint
        self.sent = 0
        # The last number that arrived from each other member.
        self.heard = [0] * members
        self.next_time = 0.0


class TCPEndpoint:
    def __init__(self, relay):
        self.socket = relay.connect()
        self.pending = b""

    def send(self, text):
        self.socket.sendall(text + b"\n")

    def texts(self):
        """The texts that have arrived; None if the relay has closed the connection."""
        received = self.socket.recv(1 << 18)
        if not received:
            return None
        *lines, self.pending = (self.pending + received).split(b"\n")
        return lines


class UDPEndpoint:
    def __init__(self, relay):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", relay.udp_port))
        self.send(b"hello")

    def send(self, text):
        self.socket.send(text)

    def texts(self):
        return [self.socket.recv(1 << 16)]


def enter(endpoint, room):
    """Goes to a room and waits for the script's answer."""
    answer = b"in room " + room.encode()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        endpoint.send(b"/room " + room.encode())
        while select.select([endpoint.socket], [], [], 5)[0]:
            if any(answer in text for text in endpoint.texts() or []):
                return
    raise TimeoutError(f"no answer to /room {room}")


def chat(relay, stop, make_endpoint, room, count, interval, longest):
    """A chat of `count` members; returns (figures, failures, the endpoints)."""
    failures = Failures()
    members = [Member(number, make_endpoint(relay), count) for number in range(count)]
    for member in members:
        enter(member.endpoint, room)
    start = time.monotonic()
    for member in members:
        member.next_time = start + interval * member.number / count
    by_descriptor = {member.endpoint.socket.fileno(): member for member in members}
    poll = select.epoll()
    for descriptor in by_descriptor:
        poll.register(descriptor, select.EPOLLIN)
    tag = re.compile(rb"#%s:(\d+):(\d+)#" % room.encode())
    delivered, largest_delay, ended = 0, 0.0, None
    sent_times = {}

    def is_complete():
        return all(m.heard[o.number] == o.sent for m in members for o in members if m is not o)

    while True:
        now = time.monotonic()
        if ended is None and stop.is_set():
            ended = now
        if ended is not None and (is_complete() or now > ended + DRAIN_SECONDS):
            break
        for member in members:
            if ended is None and now >= member.next_time:
                member.sent += 1
                member.next_time += interval
                sent_times[member.number, member.sent] = now
                padding = b"." * random.randrange(longest)
                member.endpoint.send(b"#%s:%d:%d#%s" % (room.encode(), member.number, member.sent, padding))
        for descriptor, _ in poll.poll(0.02):
            member = by_descriptor[descriptor]
            texts = member.endpoint.texts()
            if texts is None:
                failures.add(f"the relay disconnected member {member.number}")
                poll.unregister(descriptor)
                continue
            for text in texts:
                found = tag.search(text)
                if not found:
                    failures.add(f"member {member.number} heard {text[:80]!r}")
                    continue
                sender, number = int(found[1]), int(found[2])
                if sender == member.number or number != member.heard[sender] + 1:
                    failures.add(f"member {member.number} heard {number} of {sender} after {member.heard[sender]}")
                member.heard[sender] = number
                delivered += 1
                largest_delay = max(largest_delay, time.monotonic() - sent_times[sender, number])
    sent = sum(member.sent for member in members)
    expected = sent * (count - 1)
    if not sent:
        failures.add("nobody has said anything: the members did not come into their room")
    if delivered != expected:
        failures.add(f"{delivered} of {expected} deliveries arrived")
    figures = f"{sent} texts, {delivered} of {expected} deliveries, largest delay {largest_delay * 1000:.0f} ms"
    return figures, failures, members


def tcp(relay, stop):
    return chat(relay, stop, TCPEndpoint, "exact", 20, 0.25, 2000)


def udp(relay, stop):
    return chat(relay, stop, UDPEndpoint, "exact-udp", 5, 0.1, 1000)


# MARK: The parts that make the work hard


def churn(relay, stop):
    counts, failures, number = {}, Failures(), 0
    while not stop.is_set():
        how = ("quit", "close", "reset", "half a line")[number % 4]
        number += 1
        try:
            client = relay.connect()
            client.sendall(b"/room churn\n" + b"a text\n" * (number % 3))
            if how == "quit":
                client.sendall(b"/sair\n")
                while client.recv(1 << 16):
                    pass
            elif how == "half a line":
                client.sendall(b"half of a li")
                client.shutdown(socket.SHUT_WR)
            elif how == "reset":
                # A reset instead of an end (socket(7), SO_LINGER with a time of 0).
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            counts[how] = counts.get(how, 0) + 1
        except OSError as error:
            failures.add(f"{how}: {error!r}")
        time.sleep(0.005)
    return ", ".join(f"{count} {how}" for how, count in counts.items()), failures, None


def reload(relay, stop):
    counts, failures, number = {}, Failures(), 0
    while not stop.is_set():
        start = time.monotonic()
        number += 1
        is_broken = number % 3 == 0
        relay.write_script("changing.lua", BROKEN[number % 9 // 3] if is_broken else FORMATS[number % 2])
        expected = 1 if is_broken else 0
        try:
            code, output = relay.reload()
            if code != expected:
                failures.add(f"exit code {code} instead of {expected}: {output.strip()}")
            kind = "refused" if is_broken else "loaded"
            counts[kind] = counts.get(kind, 0) + 1
        except OSError as error:
            failures.add(repr(error))
        except Exception as error:  # The time limit of the command.
            failures.add(f"luar reload: {error}")
        stop.wait(max(0, start + 1 - time.monotonic()))
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()), failures, None


def slow_reader(relay, room):
    """A client in a room that has a small receive buffer and reads no more once it is there."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.settimeout(30)
    reader.connect(("127.0.0.1", relay.port))
    endpoint = TCPEndpoint.__new__(TCPEndpoint)
    endpoint.socket, endpoint.pending = reader, b""
    enter(endpoint, room)
    return reader


def slow(relay, stop):
    failures, cut, number = Failures(), 0, 0
    line = b"x" * 8191 + b"\n"
    while not stop.is_set():
        number += 1
        try:
            reader = slow_reader(relay, f"slow-{number}")
            talker = TCPEndpoint(relay)
            enter(talker, f"slow-{number}")
            # The relay keeps 1 MiB, the kernel's send buffer at most 4 MiB (tcp_wmem).
            for _ in range(12 << 20 >> 13):
                talker.socket.sendall(line)
                if stop.is_set():
                    break
            else:
                # It reads nothing before that: a relay that is busy has most of it still to send.
                deadline = time.monotonic() + 30
                while is_open(relay, reader) and time.monotonic() < deadline:
                    time.sleep(0.05)
                if is_open(relay, reader):
                    failures.add(f"reader {number} was not disconnected")
                else:
                    cut += 1
            reader.close()
            talker.socket.close()
        except OSError as error:
            failures.add(repr(error))
        stop.wait(1)
    return f"{cut} slow readers cut off", failures, None


def flood(relay, stop):
    failures, sent = Failures(), 0
    loads = [
        b"short\n" * 10_000,
        (b"y" * 65_535 + b"\n") * 4,
        (b"z" * 200_000 + b"\n") * 2,
        random.randbytes(1 << 18),
        "/room flood\nção % \\ \x1b[31m\r\n/nothing at all\n".encode() * 2_000,
    ]
    connections = 0
    while not stop.is_set():
        load = loads[connections % len(loads)]
        connections += 1
        try:
            client = TCPEndpoint(relay)
            enter(client, "flood")
            client.socket.setblocking(False)
            end, offset = time.monotonic() + 1, 0
            while time.monotonic() < end and not stop.is_set():
                # It reads what comes back, such as complaints about its lines: slow readers are another part.
                readable, writable, _ = select.select([client.socket], [client.socket], [], 0.1)
                if readable and not client.socket.recv(1 << 18):
                    break
                if writable:
                    count = client.socket.send(load[offset:])
                    sent += count
                    offset = (offset + count) % len(load)
            client.socket.close()
        except (ConnectionError, BlockingIOError):
            pass
        except OSError as error:
            failures.add(repr(error))
    return f"{sent / 1e6:.0f} MB from {connections} connections", failures, None


def greed(relay, stop):
    failures, counts, number = Failures(), {}, 0
    while not stop.is_set():
        act = GREEDY_ACTS[number % len(GREEDY_ACTS)]
        number += 1
        try:
            client = socket.socket()
            client.settimeout(30)
            # From an address of its own: who comes from the address of somebody who was refused is refused as well.
            client.bind((f"127.1.{number // 250 % 250}.{number % 250 + 1}", 0))
            client.connect(("127.0.0.1", relay.port))
            for _ in range(4):
                client.sendall(b"greed " + act.encode() + b"\n")
                heard = b""
                while WITHHELD not in heard:
                    received = client.recv(1 << 16)
                    if not received:
                        raise OSError("the relay ended the connection")
                    heard += received
                counts[act] = counts.get(act, 0) + 1
            client.close()
        except OSError as error:
            failures.add(f"{act}: {error!r}")
        stop.wait(0.5)
    return ", ".join(f"{count} {act}" for act, count in counts.items()) + " withheld", failures, None


PARTS = {"tcp": tcp, "udp": udp, "churn": churn, "reload": reload, "slow": slow, "flood": flood, "greed": greed}


# MARK: The run


def run_part(part, relay, stop, results, may_end):
    try:
        figures, failures, kept = PARTS[part](relay, stop)
    except Exception as error:
        failures, figures, kept = Failures(), "", None
        failures.add(f"the part failed: {error!r}")
    results.put((part, figures, failures.count, failures.first))
    # Members of the exact chats stay connected while the relay ends.
    may_end.wait()
    del kept


def sample(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        memory = int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) << 10
    return memory, len(os.listdir(f"/proc/{pid}/fd"))


def growth(name, values, margin, unit, divisor):
    """Compares the median of the last third with that of the middle third; returns (figures, failures)."""
    failures, third = Failures(), len(values) // 3
    if third < 3:
        return "too short to say", failures
    middle = statistics.median(values[third : 2 * third])
    last = statistics.median(values[2 * third :])
    if last > middle + margin:
        failures.add(f"{name} grew by {(last - middle) / divisor:.1f}{unit}")
    figures = (
        f"middle third {middle / divisor:.1f}{unit}, last third {last / divisor:.1f}{unit}, "
        f"largest {max(values) / divisor:.1f}{unit}, margin {margin / divisor:.0f}{unit}"
    )
    return figures, failures


def relay_side(relay, client):
    """The relay's side of a client's connection: its state and the bytes that the kernel keeps for it (proc(5),
    /proc/net/tcp); None if there is none."""
    name = f"0100007F:{relay.port:04X} 0100007F:{client.getsockname()[1]:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        found = re.search(name + r" ([0-9A-F]{2}) ([0-9A-F]+):", table.read())
    return (found[1], int(found[2], 16)) if found else None


def is_open(relay, client):
    """Whether the relay has not disconnected a client (01 is TCP_ESTABLISHED)."""
    side = relay_side(relay, client)
    return side is not None and side[0] == "01"


def send_queue(relay, client):
    """The bytes that the kernel keeps for a client of the relay."""
    side = relay_side(relay, client)
    return side[1] if side else 0


def leave_unsent(relay):
    """Returns a client that does not read and for which the relay keeps unsent bytes, less than its limit of 1 MiB."""
    reader = slow_reader(relay, "last")
    talker = TCPEndpoint(relay)
    enter(talker, "last")
    queued, last = send_queue(relay, reader), -1
    # Once the kernel takes no more, the relay keeps what comes.
    while queued > last:
        for _ in range(32):
            talker.socket.sendall(b"x" * 8191 + b"\n")
        time.sleep(0.2)
        queued, last = send_queue(relay, reader), queued
    return reader


def terminate(relay):
    """Ends the relay while one client does not read; returns (figures, failures)."""
    failures = Failures()
    reader = None
    try:
        reader = leave_unsent(relay)
    except OSError as error:
        failures.add(f"before SIGTERM: {error!r}")
    start = time.monotonic()
    relay.process.send_signal(signal.SIGTERM)
    try:
        code = relay.process.wait(FLUSH_SECONDS + 20)
    except Exception:
        failures.add(f"still running {FLUSH_SECONDS + 20} s after SIGTERM")
        return "", failures
    elapsed = time.monotonic() - start
    if elapsed > FLUSH_SECONDS + 1:
        failures.add(f"ended {elapsed:.1f} s after SIGTERM, at most {FLUSH_SECONDS + 1} s are allowed")
    if code != 0:
        failures.add(f"exit code {code}")
    if reader:
        reader.close()
    return f"ended {elapsed:.2f} s after SIGTERM with exit code {code}", failures


def soak(relay, parts, seconds):
    """Runs the parts; returns rows of (name, figures, number of failures, first failures)."""
    context = multiprocessing.get_context("fork")
    stop, may_end, results = context.Event(), context.Event(), context.Queue()
    children = [
        context.Process(target=run_part, args=(part, relay, stop, results, may_end), daemon=True) for part in parts
    ]
    for child in children:
        child.start()
    memory, descriptors, rows = [], [], []
    end = time.monotonic() + seconds
    while time.monotonic() < end and relay.process.poll() is None:
        time.sleep(1)
        try:
            used, opened = sample(relay.process.pid)
        except (OSError, TypeError):
            break  # It has ended.
        memory.append(used)
        descriptors.append(opened)
    if relay.process.poll() is not None:
        rows.append(("relay", "", 1, [f"ended by itself with exit code {relay.process.returncode}"]))
    stop.set()
    for part in parts:
        try:
            rows.append(results.get(timeout=90))
        except Exception:
            missing = ", ".join(set(parts) - {row[0] for row in rows})
            rows.append((missing, "", 1, ["did not end within 90 s"]))
            break
    for name, values, margin, unit, divisor in [
        ("memory", memory, MEMORY_MARGIN, " MiB", 1 << 20),
        ("descriptors", descriptors, DESCRIPTOR_MARGIN, "", 1),
    ]:
        figures, failures = growth(name, values, margin, unit, divisor)
        rows.append((name, figures, failures.count, failures.first))
    if relay.process.poll() is None:
        figures, failures = terminate(relay)
        rows.append(("end", figures, failures.count, failures.first))
    may_end.set()
    for child in children:
        child.join(5)
        if child.is_alive():
            child.kill()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("luar", nargs="?", default=".build/release/luar", help="the binary to run")
    parser.add_argument("--seconds", type=float, default=180, help="how long the parts run (default 180)")
    parser.add_argument("--without", action="append", default=[], choices=[*PARTS, "timers"], help="leave out a part")
    options = parser.parse_args()
    luar_process.raise_file_limit()
    parts = [part for part in PARTS if part not in options.without]
    scripts = {"rooms.lua": ROOMS, "changing.lua": FORMATS[0]}
    if "greed" not in options.without:
        scripts["greed.lua"] = GREED
    if "timers" not in options.without:
        scripts["timers.lua"] = TIMERS
    start = time.monotonic()
    with luar_process.Relay(options.luar, scripts, ["--flush-time", f"{FLUSH_SECONDS}s"], udp=True) as relay:
        rows = soak(relay, parts, options.seconds)
        failed_hooks = len(re.findall("hook failed", relay.log()))
        if any(row[2] for row in rows):
            print("The last lines of the relay's log:", *relay.log().splitlines()[-15:], sep="\n  ", file=sys.stderr)
    left_out = f" without {', '.join(options.without)}" if options.without else ""
    print(f"soak of {options.luar}, {time.monotonic() - start:.0f} s{left_out}; {failed_hooks} failed hooks logged")
    for name, figures, count, first in rows:
        print(f"{'FAIL' if count else 'ok':4}  {name:12} {figures}{f'; {count} failures:' if count else ''}")
        for text in first:
            print(f"      {text}")
    return 1 if any(row[2] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
