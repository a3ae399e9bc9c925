-- What a round-trip time means: a status, and its level from 0 (good) to 3 (down).

local limit = relay.settings({
  normal_ms = { "number", default = 100, min = 0, help = "below this a connection is good" },
  slow_ms = { "number", default = 300, min = 0, help = "below this it is slow, else very slow" },
})

relay.default("latency", function(sample)
  if sample.outcome == "inconclusive" then return sample.previous, sample.previous_level end
  if sample.outcome ~= "reply" then return "Down", 3 end
  if sample.rtt_ms < limit.normal_ms then return "Good", 0 end
  if sample.rtt_ms < limit.slow_ms then return "Slow", 1 end
  return "Very slow", 2
end)
