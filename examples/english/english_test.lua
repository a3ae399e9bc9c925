test("the chat speaks English", function(t)
  local ana, bia = t:connect("tcp", "10.0.0.1:4000"), t:connect("tcp", "10.0.0.2:5000")
  ana:says("hi")
  bia:hears("10.0.0.1:4000 says: hi")
  ana:says("/quit")
  t:equal(ana.reason, "left")
  t:equal(t:console(), {
    "10.0.0.1:4000 connected.",
    "10.0.0.2:5000 connected.",
    "10.0.0.1:4000 says: hi",
    "10.0.0.1:4000 disconnected (left).",
  })
end)

test("bytes that are no text do not reach the others", function(t)
  local ana, bia = t:connect(), t:connect()
  ana:says("\xFF\xFE")
  bia:hears(ana.name .. " says: \u{FFFD}\u{FFFD}")
  ana:says("/quit now")
  bia:hears(ana.name .. " says: /quit now")
end)

test("unknown commands are answered", function(t)
  local ana, bia = t:connect(), t:connect()
  ana:says("/Op s3cret")
  ana:hears("Unknown command: /Op. Send /help.")
  ana:says("/help")
  ana:hears("/quit: leave the chat")
  bia:hears()
end)

test("so does the monitor", function(t)
  t:equal(t:measure(20).status, "Good")
  t:equal(t:measure(200).status, "Slow")
  t:equal(t:measure("timeout").status, "Down")
  t:equal(t:mails()[1].subject, "127.0.0.1:12345 is down")
  t:equal(t:console(), { "Good, 20.00 ms.", "Slow, 200.00 ms.", "Down." })
end)
