-- What `luar chat` says and sends. Only this file, and what it requires, is loaded there.

relay.default("chat_connect", function()
  return "Conectado ao servidor."
end)

relay.default("chat_close", function()
  return "Desconectado do servidor."
end)

relay.on("chat_send", function(text)
  if text == "/sair" then return relay.quit end
end)
