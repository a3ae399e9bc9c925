-- Slash commands that several scripts share:
--
--   local commands = require("commands")
--   commands.add("/hora", "diz as horas", function(client, rest)
--     client:send(os.date("%H:%M"))
--   end)
--
-- `rest` is what follows the name, untouched: "" for the bare command, " now" for "/hora now". A command's text goes
-- no further, unless its function answers a string: then that is relayed like any other message. Nor does it where the
-- function fails: its client is told that the command failed (system message `failed`), and the log says why.
--
-- Texts like "/x" that are no command are relayed as long as only stock scripts have commands. Once another script adds
-- one they are answered, to their sender alone, "/ajuda" lists the commands, and "//x" says "/x". A setting decides.

local set = relay.settings({
  unknown = {
    "choice",
    default = "auto",
    choices = { "auto", "relay", "answer" },
    help = "unknown /words: relay or answer them; auto: answer once you have commands",
  },
})

local commands = {}

-- What is answered to an unknown command (its name, and how to ask for help), and that command.
commands.words = { unknown = "Comando desconhecido: %s. Envie %s.", help = "/ajuda" }

local known = {}
-- Whether a script that is not stock has added a command.
local has_own = false
-- What of an unknown command's name is repeated.
local longest_name = 64

-- Errors name the line that called commands.add.
local function check(condition, problem)
  if not condition then error("commands.add: " .. problem, 3) end
end

function commands.add(name, help, run)
  check(type(name) == "string" and name:find("^/%S+$"), "a name is a slash and letters, like /sair")
  check(type(help) == "string", "the help is a line of text")
  check(type(run) == "function", "the third argument is a function(client, rest)")
  check(not known[name], name .. " exists already")
  -- The file and line of the caller, as error texts have them.
  local _, place = pcall(error, "", 3)
  if not place:find("^stock/") then has_own = true end
  known[name] = { help = help, run = run }
end

-- All commands, by name: their help texts.
function commands.list()
  local texts = {}
  for name, command in pairs(known) do texts[name] = command.help end
  return texts
end

-- Whether unknown commands are answered.
function commands.answered()
  return set.unknown == "answer" or set.unknown == "auto" and has_own
end

local function show_help(client)
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  local lines = {}
  for i, name in ipairs(names) do lines[i] = relay.line(name .. ": " .. known[name].help) end
  -- Nothing ends a raw client's texts: sent one by one they would be one run of words.
  if client.framing == "raw" then lines = { table.concat(lines, "\n") } end
  for _, line in ipairs(lines) do client:send(line) end
end

relay.on("message", { order = 50, on_error = "fail" }, function(message)
  local text = message.text
  local name, rest = text:match("^(/%S+)(.*)$")
  if not name then return end
  local client = message.sender
  local command = known[name]
  if command then
    local answer = command.run(client, rest)
    return type(answer) == "string" and answer
  end
  if not commands.answered() then return end
  if name:sub(1, 2) == "//" then return text:sub(2) end
  local words = commands.words
  if name == words.help then
    show_help(client)
  else
    client:send(words.unknown:format(relay.line(name:sub(1, longest_name)), words.help))
  end
  return false
end)

return commands
