-- What the relay itself says to a client.

local words = {
  withheld = "Your message was not sent.",
  failed = "The command failed.",
}

relay.default("system_message", function(_, kind)
  return words[kind]
end)
