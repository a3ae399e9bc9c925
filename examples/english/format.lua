-- What clients are called, and what a message looks like to those who receive it.

relay.default("name", function(client) return client.address end)

relay.default("format", function(message)
  return message.sender.name .. " says: " .. relay.line(message.text)
end)
