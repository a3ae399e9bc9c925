-- Slash commands that several scripts share:
--
--   local commands = require("commands")
--   commands.add("/hora", "tell the time", function(client, rest)
--     client:send(os.date("%H:%M"))
--   end)
--
-- `rest` is what follows the name, untouched: "" for the bare command. A command's text goes no further, unless its
-- function answers true: then it is relayed like any other message.

local commands = {}
local known = {}

function commands.add(name, help, run)
  assert(type(name) == "string" and name:find("^/%S+$"), "commands.add: a name is a slash and letters, like /sair")
  assert(type(help) == "string", "commands.add: the help is a line of text")
  assert(type(run) == "function", "commands.add: the third argument is a function(client, rest)")
  assert(not known[name], "commands.add: " .. name .. " exists already")
  known[name] = { help = help, run = run }
end

-- All commands, by name: their help texts.
function commands.list()
  local texts = {}
  for name, command in pairs(known) do texts[name] = command.help end
  return texts
end

relay.on("message", { order = 50 }, function(message)
  local name, rest = message.text:match("^(/%S+)(.*)$")
  local command = known[name]
  if command and not command.run(message.sender, rest) then return false end
end)

return commands
