-- `/msg NAME TEXT` says something to one person alone.

local commands = require("commands")

-- The one whose name the text begins with, and the rest; of several names the longest.
local function find(rest)
  local found, text
  for _, client in ipairs(relay.clients()) do
    local name = client.name
    if rest:sub(1, #name + 1) == name .. " " and (not found or #name > #found.name) then
      found, text = client, rest:sub(#name + 2)
    end
  end
  return found, text
end

commands.add("/msg", "say something to one person", function(client, rest)
  local to, text = find(rest:match("^ *(.*)$"))
  if not to then return client:send("usage: /msg NAME TEXT; nobody here has that name") end
  if text:find("^%s*$") then return client:send("there is nothing to say") end
  to:send(("%s says to you alone: %s"):format(client.name, relay.line(text)))
  client:send("said to " .. to.name)
end)
