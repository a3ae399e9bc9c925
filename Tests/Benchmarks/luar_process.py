# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
"""Starts a relay of a benchmark's own, and measures the delay of chat texts. Uses only Python's standard library."""

import os
import re
import resource
import select
import signal
import socket
import subprocess
import tempfile
import time

# What the stock scripts put between the sender's name and its text.
SAID = b" disse: "


def raise_file_limit():
    """Lets this process, and those it starts, open as many files as it may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Relay:
    """A `luar serve` on free ports of 127.0.0.1, with a folder of scripts of its own.

    Use it in a `with` statement: at its end the relay is killed if it still runs, and the folder is removed.
    """

    def __init__(self, luar, scripts, options=(), udp=False):
        self.luar = os.path.abspath(luar)
        self._folder = tempfile.TemporaryDirectory(prefix="luar-run-")
        self.folder = self._folder.name
        self.scripts = os.path.join(self.folder, "scripts")
        self.control = os.path.join(self.folder, "control")
        self.log_path = os.path.join(self.folder, "log")
        os.mkdir(self.scripts)
        for name, text in scripts.items():
            self.write_script(name, text)
        # The settings of the user must not change the measurement.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("LUAR_")}
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [self.luar, "serve", "--tcp", "127.0.0.1:0"]
                + (["--udp", "127.0.0.1:0"] if udp else ["--no-udp"])
                + ["--scripts", self.scripts, "--data", os.path.join(self.folder, "data")]
                + ["--control", self.control, "--log-level", "info", *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=self.folder,
                env=environment,
            )
        try:
            self.port = self._listening("tcp")
            self.udp_port = self._listening("udp") if udp else None
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._folder.cleanup()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def write_script(self, name, text):
        # Renamed into place, because the relay may read the folder at any time.
        path = os.path.join(self.scripts, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def reload(self, timeout=30):
        """Runs `luar reload`; returns its exit code and what it printed."""
        done = subprocess.run(
            [self.luar, "reload", "--control", self.control], capture_output=True, timeout=timeout, check=False
        )
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def connect(self):
        """A TCP client that speaks in lines."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def _listening(self, transport):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = re.search(rf"listening {transport}\.address=127\.0\.0\.1:(\d+)", self.log())
            if found:
                return int(found[1])
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"the relay does not listen for {transport}:\n{self.log()}")


class Chatters:
    """Two clients in a room of their own: one says a text every 2 ms, the other measures when it arrives.

    They run in a process of their own, so that nothing else that the benchmark does delays them.
    """

    INTERVAL = 0.002

    def __init__(self, relay, room_command):
        self._reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._reader)
            status = 1
            try:
                os.write(writer, repr(self._chat(relay, room_command)).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(writer)

    def finish(self):
        """Ends the chat; returns the number of texts, the largest delay and the 99th percentile in milliseconds."""
        os.kill(self.pid, signal.SIGTERM)
        with os.fdopen(self._reader, "rb") as pipe:
            text = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        if status != 0:
            raise SystemExit("the chatting clients failed")
        sent, delays = eval(text, {"__builtins__": {}})  # Written by the child above.
        delays.sort()
        if not delays:
            print("  no text arrived at all")
        elif len(delays) != sent:
            print(f"  {sent - len(delays)} of {sent} texts had not arrived 10 s after the end")
        return len(delays), delays[-1] if delays else float("inf"), delays[len(delays) * 99 // 100] if delays else 0

    def _chat(self, relay, room_command):
        ended = []
        signal.signal(signal.SIGTERM, lambda *_: ended.append(time.monotonic()))
        sender, receiver = relay.connect(), relay.connect()
        for client in (sender, receiver):
            client.sendall(room_command.encode() + b"\n")
            client.setblocking(False)
        poll = select.poll()
        poll.register(receiver, select.POLLIN)
        # Both are in the room once the receiver hears the sender.
        while not poll.poll(100):
            if ended:
                return 1, []
            sender.sendall(b"hello\n")
        sent, delays, pending = 0, [], b""
        next_time = time.monotonic()
        while True:
            now = time.monotonic()
            # Texts that are still on their way have up to 10 s.
            if ended and (len(delays) == sent or now > ended[0] + 10):
                return sent, delays
            if not ended and now >= next_time:
                try:
                    sender.sendall(f"{now:.6f}\n".encode())
                    sent += 1
                except BlockingIOError:
                    pass
                next_time = max(next_time + self.INTERVAL, now)
            wait = 100 if ended else max(0, next_time - time.monotonic()) * 1000
            if poll.poll(wait):
                received = receiver.recv(1 << 16)
                if not received:
                    raise SystemExit("the relay disconnected a chatting client")
                *lines, pending = (pending + received).split(b"\n")
                now = time.monotonic()
                for line in lines:
                    name, said, text = line.partition(SAID)
                    if said and text != b"hello":
                        delays.append((now - float(text)) * 1000)
