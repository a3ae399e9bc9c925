-- What clients are called, and what a message looks like to those who receive it.

local set = relay.settings({
  controls = {
    "choice",
    default = "mask",
    choices = { "mask", "keep" },
    help = "control characters in texts, line ends too: mask or keep them",
  },
})

relay.default("name", function(client)
  return ("('%s', %d)"):format(client.host, client.port)
end)

-- Both replace bytes that are not UTF-8: one of them would end the original Python client's receiver. relay.line also
-- keeps a text on its line, where nobody can write what looks like somebody else's message.
local shown = set.controls == "mask" and relay.line or relay.utf8

relay.default("format", function(message)
  return message.sender.name .. " disse: " .. shown(message.text)
end)
