-- What the operator reads on standard output, in the words of the original's two servers and its monitor. `--quiet`
-- turns it all off.

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

local monitor = {
  sample = function(event)
    local sample, status = event.sample, event.status
    -- Of several targets each line says which.
    local place = event.targets > 1 and sample.target .. ": " or ""
    if sample.outcome == "inconclusive" then return place .. "Medição inconclusiva." end
    if not status then return false end
    local time = sample.rtt_ms and (" Latência: %.2f ms"):format(sample.rtt_ms) or ""
    return place .. "Conexão " .. status .. "." .. time
  end,
  mail_sent = function(event)
    return "E-mail de conexão enviado: " .. (event.status or event.subject)
  end,
  mail_failed = function(event)
    return "Não foi possível enviar o e-mail: " .. event.reason
  end,
  prompt = function(event)
    local texts = {
      notice = "Para testes, utilize o Ethereal Mail para enviar e-mails.",
      address = "Digite o endereço de e-mail: ",
      password = "Digite a senha: ",
    }
    return texts[event.prompt]
  end,
}

relay.default("console", function(event)
  local line = monitor[event.kind] or (event.transport == "udp" and udp or tcp)[event.kind]
  return line and line(event)
end)
