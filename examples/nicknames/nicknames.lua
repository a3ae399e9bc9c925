-- `/nick NAME` gives a client a name, which nobody else has.

local commands = require("commands")

-- Names that read alike are one name.
local function key(name) return name:lower() end

local function taken(name, by)
  for _, client in ipairs(relay.clients()) do
    if client ~= by and key(client.name) == key(name) then return true end
  end
  return false
end

commands.add("/nick", "choose a name", function(client, rest)
  -- Letters, digits, - and _, so that a name controls no terminal and forges no message.
  local name = rest:match("^ +([%w_-]+) *$")
  if not name or #name > 20 then return client:send("usage: /nick NAME, of at most 20 letters, digits, - and _") end
  if taken(name, client) then return client:send(name .. " is taken") end
  relay.send(relay.room(client.room), ("%s is now %s"):format(client.name, name))
  client.name = name
end)

relay.on("format", function(message)
  return message.sender.name .. ": " .. relay.line(message.text)
end)
