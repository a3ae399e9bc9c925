-- Slash commands that several scripts share:
--
--   local commands = require("commands")
--   commands.add("/hora", "tell the time", function(client, rest)
--     client:send(os.date("%H:%M"))
--   end)
--
-- `rest` is what follows the name, untouched: "" for the bare command, " now" for "/hora now". A command's text goes no
-- further, unless its function answers a string: then that text is relayed like any other message.

local commands = {}
local known = {}

-- Errors name the line that called commands.add.
local function check(condition, problem)
  if not condition then error("commands.add: " .. problem, 3) end
end

function commands.add(name, help, run)
  check(type(name) == "string" and name:find("^/%S+$"), "a name is a slash and letters, like /sair")
  check(type(help) == "string", "the help is a line of text")
  check(type(run) == "function", "the third argument is a function(client, rest)")
  check(not known[name], name .. " exists already")
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
  if not command then return end
  local text = command.run(message.sender, rest)
  return type(text) == "string" and text
end)

return commands
