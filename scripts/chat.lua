-- What `luar chat` says and sends. Only this file, and what it requires, is loaded there.

relay.default("chat_connect", function(server)
  return server.transport == "tcp" and "Conectado ao servidor."
end)

-- A UDP relay learns of somebody by a first text.
relay.default("chat_hello", function(server)
  return server.transport == "udp" and "Novo participante no chat."
end)

relay.default("chat_close", function(server, reason)
  if server.transport == "tcp" then return "Desconectado do servidor." end
  return reason ~= "left" and "Erro ao receber mensagem."
end)

relay.on("chat_send", function(text)
  if text == "/sair" then return relay.quit end
end)
