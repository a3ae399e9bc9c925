-- What clients may type beside chatting. Add your own commands the same way, here or in a file of yours.

local commands = require("commands")

commands.add("/sair", "sai do chat", function(client, rest)
  if rest ~= "" then return "/sair" .. rest end -- "/sair agora" is a message like any other
  client:close("left")
end)
