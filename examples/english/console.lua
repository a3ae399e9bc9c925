-- What the operator reads on standard output.

local lines = {
  listening = function(event) return ("Listening on %s (%s)."):format(event.address, event.transport) end,
  connect = function(event) return event.client.name .. " connected." end,
  message = function(event) return event.client.name .. " says: " .. event.text end,
  received = function(event) return "Ping from " .. event.from.address .. "." end,
  unreachable = function(event) return event.client.name .. " cannot be reached." end,
  disconnect = function(event) return ("%s disconnected (%s)."):format(event.client.name, event.reason) end,
  mail_sent = function(event) return "Mail sent: " .. (event.status or event.subject) end,
  mail_failed = function(event) return "Mail not sent: " .. event.reason end,
}

function lines.sample(event)
  local sample, status = event.sample, event.status
  local place = event.targets > 1 and sample.target .. ": " or ""
  if sample.outcome == "inconclusive" then return place .. "Nobody knows." end
  if not status then return false end
  return place .. status .. (sample.rtt_ms and (", %.2f ms."):format(sample.rtt_ms) or ".")
end

function lines.prompt(event)
  local texts = { address = "Mail address: ", password = "Password: " }
  return texts[event.prompt]
end

relay.default("console", function(event)
  local line = lines[event.kind]
  return line and line(event)
end)
