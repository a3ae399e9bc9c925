-- What the operator reads on standard output, a line an event. `luar serve --quiet` turns all of it off.

local lines = {
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

relay.default("console", function(event)
  local line = lines[event.kind]
  return line and line(event)
end)
