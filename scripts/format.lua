-- What clients are called, and what a message looks like to those who receive it.

relay.default("name", function(client)
  return ("('%s', %d)"):format(client.host, client.port)
end)

-- relay.utf8 replaces bytes that are not UTF-8: one of them would end the original Python client's receiver.
relay.default("format", function(message)
  return message.sender.name .. " disse: " .. relay.utf8(message.text)
end)
