-- What a round-trip time means: a status, and its level from 0 (good) to 3 (down).

local limit = relay.settings({
  normal_ms = { "number", default = 100, min = 0, help = "below this a connection is Normal" },
  slow_ms = { "number", default = 300, min = 0, help = "below this it is Lenta, else Muito Lenta" },
})

relay.default("latency", function(sample)
  -- Nobody knows: this machine slept, or the relay was stopped.
  if sample.outcome == "inconclusive" then return sample.previous, sample.previous_level end
  if sample.outcome ~= "reply" then return "Inativa", 3 end
  if sample.rtt_ms < limit.normal_ms then return "Normal", 0 end
  if sample.rtt_ms < limit.slow_ms then return "Lenta", 1 end
  return "Muito Lenta", 2
end)
