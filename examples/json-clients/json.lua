-- Programs chat in JSON, people in plain text, in the same room.
--
-- A client whose first text is {"hello": "json"} gets an object a line from then on, and says {"text": "..."}.

local json = relay.json

local function complain(client, reason)
  client:send(json.encode({ error = reason }))
end

-- Before commands: a program's text is taken out of its object first. Where that fails nothing is relayed: commands do
-- not see a password in {"text": "/op password"}, and everybody would read it.
relay.on("message", { order = 10, on_error = "block" }, function(message)
  local client = message.sender
  if client.dialect ~= "json" then
    -- Nothing else is taken for JSON: people may say "{" as well.
    if client.data.spoken then return end
    client.data.spoken = true
    local hello = json.decode(message.text)
    if type(hello) ~= "table" or hello.hello ~= "json" then return end
    client.dialect = "json"
    client:send(json.encode({ welcome = client.name }))
    return false
  end
  local said, reason = json.decode(message.text)
  if said == nil then
    complain(client, reason)
  elseif type(said) ~= "table" or type(said.text) ~= "string" or said.text == "" then
    complain(client, "what you say is an object with a text")
  else
    return said.text
  end
  return false
end)

relay.on("format", { dialect = "json" }, function(message)
  return json.encode({ from = message.sender.name, text = relay.utf8(message.text), time = math.floor(message.time) })
end)
