-- What `luar chat` says and sends.

relay.default("chat_connect", function(server) return "Connected to " .. server.address .. ", /quit leaves." end)

relay.default("chat_hello", function(server)
  return server.transport == "udp" and "Hello."
end)

relay.default("chat_close", function(_, reason)
  return reason == "left" and "Bye." or "The connection is lost."
end)

relay.on("chat_send", function(text)
  if text == "/quit" then return relay.quit end
end)
