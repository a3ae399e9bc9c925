# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
"""Reads every NAME.eml of a folder as mail programs do and compares it with NAME.json; prints what differs, then how many it read."""

import email
import email.policy
import email.utils
import json
import pathlib
import re
import sys

count = 0
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.eml")):
    raw = path.read_bytes()
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))

    def check(what, found, wanted):
        if found != wanted:
            print(path.name, what, repr(found)[:300], repr(wanted)[:300])

    mail = email.message_from_bytes(raw, policy=email.policy.default)
    for part in mail.walk():
        check("defects", part.defects, [])
        for name, value in part.items():
            check("defects of " + name, list(getattr(value, "defects", ())), [])
    check("subject", str(mail["Subject"]), expected["subject"])
    addresses = [[address.display_name, address.addr_spec] for address in mail["To"].addresses]
    check("to", addresses, expected["to"])
    check("from", [mail["From"].addresses[0].display_name, mail["From"].addresses[0].addr_spec], expected["from"])
    check("date", mail["Date"].datetime.timestamp(), expected["date"])
    for name, value in expected["fields"].items():
        check(name, mail[name], value)
    for kind in ("text", "html"):
        part = mail.get_body(("plain" if kind == "text" else "html",))
        found = None if part is None else part.get_payload(decode=True).replace(b"\r\n", b"\n").decode("utf-8")
        check(kind, found, expected.get(kind))
    check("type", mail.get_content_type(), "multipart/alternative" if "html" in expected else "text/plain")

    lines = raw.split(b"\r\n")
    check("last line", lines[-1], b"")
    check("bare line breaks", re.search(rb"\r(?!\n)|(?<!\r)\n", raw), None)
    check("bytes", re.search(rb"[^\r\n\x20-\x7e\t]", raw), None)
    # An address cannot be folded; nothing else is longer.
    check("long lines", [line for line in lines if len(line) > 78 and b"@" not in line], [])
    head, body = raw.split(b"\r\n\r\n", 1)
    check("long body lines", [line for line in body.split(b"\r\n") if len(line) > 76], [])
    # A relay may drop blanks at the end of a line.
    check("blanks", re.search(rb"[ \t]\r\n", body), None)
    check("dots", re.search(rb"(^|\r\n)(\.|From )", raw), None)
    check("long words", [word for word in re.findall(rb"=\?\S+\?=", head) if len(word) > 75], [])
    for word in re.findall(rb"=\?utf-8\?B\?(\S+)\?=", head):
        __import__("base64").b64decode(word, validate=True).decode("utf-8")
    count += 1
print("read", count)
