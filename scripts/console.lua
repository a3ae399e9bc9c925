-- What the operator reads on standard output, in the words of the original's two servers. `luar serve --quiet` turns it
-- all off.

local tcp = {
  listening = function()
    return "Servidor TCP aguardando conexões..."
  end,
  connect = function(event)
    return "Cliente conectado: " .. event.client.name
  end,
  message = function(event)
    return event.client.name .. " disse: " .. event.text
  end,
  disconnect = function(event)
    return "Cliente desconectado: " .. event.client.name
  end,
}

-- A ping comes from somebody who has no name.
local function received(event)
  local name = event.client and event.client.name or ("('%s', %d)"):format(event.from.host, event.from.port)
  return { "Mensagem recebida de " .. name, event.text }
end

local udp = {
  listening = function()
    return "Servidor UDP aguardando mensagens..."
  end,
  received = received,
  message = function(event)
    local list = received(event)
    for _, client in ipairs(event.to) do list[#list + 1] = "Enviando mensagem para " .. client.name end
    return list
  end,
  unreachable = function()
    return "Erro ao receber mensagem."
  end,
}

relay.default("console", function(event)
  local line = (event.transport == "udp" and udp or tcp)[event.kind]
  return line and line(event)
end)
