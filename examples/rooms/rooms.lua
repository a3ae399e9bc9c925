-- `/entrar SALA` goes into a room, `/entrar` alone lists them. What one says stays in the room.

local commands = require("commands")

local function list()
  local counts, names = {}, {}
  for _, client in ipairs(relay.clients()) do
    if not counts[client.room] then names[#names + 1] = client.room end
    counts[client.room] = (counts[client.room] or 0) + 1
  end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = ("%s (%d)"):format(name, counts[name]) end
  return "rooms: " .. table.concat(names, ", ")
end

commands.add("/entrar", "go into a room, or list them", function(client, rest)
  if rest:find("^ *$") then return client:send(list()) end
  local room = rest:match("^ +([%w_-]+) *$")
  if not room or #room > 20 then return client:send("a room's name has at most 20 letters, digits, - and _") end
  if room == client.room then return client:send("you are in " .. room) end
  relay.send(relay.room(client.room), client.name .. " leaves " .. client.room)
  client.room = room
  relay.send(relay.room(room), client.name .. " comes into " .. room)
end)
