-- What clients may type beside chatting.

local commands = require("commands")

commands.add("/quit", "leave the chat", function(client, rest)
  if rest ~= "" then return "/quit" .. rest end
  client:close("left")
end)
