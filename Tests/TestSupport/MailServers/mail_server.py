# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
"""A mail server that does one thing wrong, for as many connections as it is told, and then nothing.

It prints what it hears, one JSON object a line: {"port"}, {"line", "tls"}, {"bytes", "tls"} for what is no line,
{"message": base64, "from", "to"}. Verbs are greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, message and QUIT. Faults:

    stall VERB          answers nothing and keeps the connection
    say VERB REPLY      answers with REPLY
    close VERB          closes the connection instead of answering
    endless VERB        answers with lines without end
    long VERB           answers with one line without end
    strip               does not offer STARTTLS
    inject              sends more than its reply to STARTTLS
    pieces              sends every byte apart
    noauth              offers no AUTH
    echo                refuses a login and repeats what it was told
    hang                does not answer the TLS handshake
"""

import argparse
import base64
import json
import socket
import ssl
import sys
import threading
import time

PRINTING = threading.Lock()


def tell(**what):
    with PRINTING:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


class Closed(Exception):
    pass


class Session:
    def __init__(self, connection, options, fault):
        self.connection, self.options, self.fault = connection, options, fault
        self.tls = False
        self.buffer = b""
        self.sender, self.recipients = None, []

    def is_fault(self, kind, verb=None):
        return self.fault[:1] == [kind] and (verb is None or self.fault[1:2] == [verb])

    def send(self, text):
        data = text.encode("utf-8", "surrogateescape")
        if self.is_fault("pieces"):
            for byte in data:
                self.connection.sendall(bytes([byte]))
        else:
            self.connection.sendall(data)

    def answer(self, verb, text):
        """Answers, or does what is wrong; true if it was answered as it should be."""
        if self.is_fault("stall", verb):
            self.wait_for_end()
            raise Closed
        if self.is_fault("close", verb):
            raise Closed
        if self.is_fault("endless", verb):
            while True:
                self.connection.sendall(b"250-and so on, and so on\r\n" * 50)
        if self.is_fault("long", verb):
            while True:
                self.connection.sendall(b"250-" + b"x" * 4096)
        if self.is_fault("say", verb):
            self.send(self.fault[2] + "\r\n")
            return False
        self.send(text)
        return True

    def wait_for_end(self):
        while True:
            data = self.connection.recv(65536)
            if not data:
                return
            tell(bytes=data.decode("latin-1"), tls=self.tls)

    def line(self):
        while b"\n" not in self.buffer:
            data = self.connection.recv(65536)
            if not data:
                raise Closed
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def start_tls(self):
        if self.is_fault("hang"):
            self.wait_for_end()
            raise Closed
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.options.certificate, self.options.key)
        if self.options.oldest:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.tls = True
        self.buffer = b""

    def run(self):
        if self.options.implicit:
            self.start_tls()
        if not self.answer("greeting", "220 test ESMTP\r\n"):
            return self.wait_for_end()
        while True:
            line = self.line()
            text = line.decode("latin-1").rstrip("\r\n")
            tell(line=text, tls=self.tls)
            verb = text.split(" ")[0].upper().split(":")[0]
            if verb == "EHLO":
                offers = ["test"]
                if self.options.certificate and not self.tls and not self.is_fault("strip"):
                    offers.append("STARTTLS")
                if self.options.login and self.tls and not self.is_fault("noauth"):
                    offers.append("AUTH " + self.options.mechanisms)
                reply = "".join(
                    "250%s%s\r\n" % (" " if number + 1 == len(offers) else "-", offer)
                    for number, offer in enumerate(offers)
                )
                self.answer("EHLO", reply)
            elif verb == "STARTTLS":
                if self.is_fault("inject"):
                    self.connection.sendall(b"220 go on\r\n250 here is more\r\n")
                    self.wait_for_end()
                    raise Closed
                if self.answer("STARTTLS", "220 go on\r\n"):
                    self.start_tls()
            elif verb == "AUTH":
                self.log_in(text)
            elif verb == "MAIL":
                if self.answer("MAIL", "250 ok\r\n"):
                    self.sender, self.recipients = text, []
            elif verb == "RCPT":
                if self.answer("RCPT", "250 ok\r\n"):
                    self.recipients.append(text)
            elif verb == "DATA":
                if self.answer("DATA", "354 go on\r\n"):
                    self.take_message()
            elif verb == "QUIT":
                self.answer("QUIT", "221 bye\r\n")
                raise Closed
            else:
                self.send("500 what?\r\n")

    def log_in(self, text):
        words = text.split(" ")
        if words[1].upper() == "PLAIN":
            if len(words) < 3:
                self.send("334 \r\n")
                words.append(self.line().decode("latin-1").strip())
                tell(line=words[2], tls=self.tls)
            given = base64.b64decode(words[2]).decode().split("\0")[1:]
        else:
            given = []
            for prompt in ("Username:", "Password:"):
                self.send("334 %s\r\n" % base64.b64encode(prompt.encode()).decode())
                answer = self.line().decode("latin-1").strip()
                tell(line=answer, tls=self.tls)
                given.append(base64.b64decode(answer).decode())
        if self.is_fault("echo"):
            self.send("535 no: %s %s %s\r\n" % (given[1], text, base64.b64encode(given[1].encode()).decode()))
        elif ":".join(given) == self.options.login:
            self.answer("AUTH", "235 welcome\r\n")
        else:
            self.send("535 5.7.8 wrong user or password\r\n")

    def take_message(self):
        lines = []
        while True:
            line = self.line()
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        if self.answer("message", "250 taken\r\n"):
            tell(message=base64.b64encode(b"".join(lines)).decode(), sender=self.sender, to=self.recipients)


def serve(connection, options, fault):
    try:
        connection.settimeout(60)
        Session(connection, options, fault).run()
    except (Closed, OSError):
        pass
    finally:
        try:
            connection.close()
        except OSError:
            pass
        tell(closed=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--implicit", action="store_true")
    parser.add_argument("--oldest", action="store_true")
    parser.add_argument("--login")
    parser.add_argument("--mechanisms", default="PLAIN LOGIN")
    parser.add_argument("--times", type=int, default=1 << 30)
    parser.add_argument("fault", nargs="*")
    options = parser.parse_args()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(20)
    tell(port=listener.getsockname()[1])
    number = 0
    while True:
        connection, _ = listener.accept()
        number += 1
        tell(connection=number)
        fault = options.fault if number <= options.times else []
        threading.Thread(target=serve, args=(connection, options, fault), daemon=True).start()


main()
