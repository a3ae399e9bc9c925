-- Rules for a chat with strangers: not too fast, no words from the list, and bans that survive a restart.
--
-- Whoever knows the operator's password says `/op PASSWORD`, and may then `/ban HOST` and `/unban HOST`.

local commands = require("commands")

local set = relay.settings({
  messages = { "integer", default = 5, min = 1, max = 100, help = "so many messages ..." },
  seconds = { "number", default = 10, min = 1, help = "... in so many seconds, and the next ones go nowhere" },
  words = { "list", default = {}, help = "words that nobody gets to read" },
  password = { "secret", help = "the operator's password; without one there are no operators" },
})

local bans = relay.state("bans", { max = 10000, persist = true })

relay.on("admit", function(client)
  if bans[client.host] then return false, "You are banned." end
end)

-- Whether somebody has said too much lately. Remembers when each of the last messages came, no more.
local function floods(client, now)
  local times = client.data.times or {}
  client.data.times = times
  while times[1] and times[1] <= now - set.seconds do table.remove(times, 1) end
  if #times >= set.messages then return true end
  times[#times + 1] = now
  return false
end

local function masked(text)
  local lower = text:lower()
  for _, word in ipairs(set.words) do
    local from = 1
    while word ~= "" do
      local first, last = lower:find(word:lower(), from, true)
      if not first then break end
      text = text:sub(1, first - 1) .. ("*"):rep(#word) .. text:sub(last + 1)
      from = last + 1
    end
  end
  return text
end

-- Before commands, which are messages too.
relay.on("message", { order = 10, on_error = "block" }, function(message)
  if floods(message.sender, relay.now()) then
    message.sender:send("Too fast: wait a little.")
    return false
  end
  return masked(message.text)
end)

commands.add("/op", "become an operator", function(client, rest)
  local isRight = set.password and rest == " " .. set.password
  client.data.operator = isRight or nil
  client:send(isRight and "You are an operator." or "No.")
end)

local function operators(run)
  return function(client, rest)
    local host = rest:match("^ +(%S+) *$")
    if not client.data.operator then return client:send("No.") end
    if not host or #host > 64 then return client:send("Say which host.") end
    client:send(run(host))
  end
end

commands.add("/ban", "keep a host out", operators(function(host)
  bans[host] = true
  for _, client in ipairs(relay.clients()) do if client.host == host then client:close("banned") end end
  return host .. " is banned."
end))

commands.add("/unban", "let a host in again", operators(function(host)
  bans[host] = nil
  return host .. " is not banned."
end))
