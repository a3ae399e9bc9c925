-- What clients may type beside chatting.

local commands = require("commands")

commands.words = { unknown = "Unknown command: %s. Send %s.", help = "/help" }

commands.add("/quit", "leave the chat", function(client, rest)
  if rest ~= "" then return "/quit" .. rest end
  client:close("left")
end)
