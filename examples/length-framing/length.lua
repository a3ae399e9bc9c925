-- Clients whose texts have a length before them get each text with its line breaks, below a line that says whose it is.
--
-- Everybody else reads the same text as one line, from the stock format.lua.

relay.on("connect", function(client)
  if client.framing == "length" then client.dialect = "paragraphs" end
end)

relay.on("format", { dialect = "paragraphs" }, function(message)
  return relay.line(message.sender.name) .. "\n" .. message.text
end)
