# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
"""aiosmtpd with STARTTLS and a login; prints its port and, one JSON object a line, what it takes."""

import base64
import json
import socket
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

certificate, key, user, password = sys.argv[1:5]


def tell(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Hook:
    async def handle_DATA(self, server, session, envelope):
        content = base64.b64encode(envelope.original_content).decode()
        tell(message=content, sender=envelope.mail_from, to=envelope.rcpt_tos, login=bool(session.authenticated))
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    is_right = isinstance(data, LoginPassword) and data == LoginPassword(user.encode(), password.encode())
    return AuthResult(success=is_right, handled=is_right)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
# The controller cannot say which port it got, so one that is free is found first.
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
controller = Controller(
    Hook(),
    hostname="127.0.0.1",
    port=port,
    tls_context=context,
    require_starttls=True,
    authenticator=authenticate,
    auth_required=True,
    auth_require_tls=True,
)
controller.start()
tell(port=port)
while True:
    time.sleep(60)
