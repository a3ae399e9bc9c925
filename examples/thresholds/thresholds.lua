-- What is slow depends on the target, and on the hour: at night, when backups run, more is allowed.

local set = relay.settings({
  normal_ms = { "map", default = { default = "100" }, help = "below this a target is Normal, by target" },
  slow_ms = { "map", default = { default = "300" }, help = "below this it is Lenta, by target" },
  night_factor = { "number", default = 2, min = 1, help = "by how much the limits grow at night" },
  night_from = { "integer", default = 22, min = 0, max = 23, help = "the hour when the night begins" },
  night_until = { "integer", default = 6, min = 0, max = 23, help = "the hour when it ends" },
})

local function limit(map, target)
  local text = map[target] or map.default
  return tonumber(text) or error(("'%s' is no number of milliseconds"):format(text))
end

local function is_night(time)
  local hour = os.date("*t", math.floor(time)).hour
  if set.night_from <= set.night_until then return hour >= set.night_from and hour < set.night_until end
  return hour >= set.night_from or hour < set.night_until
end

relay.on("latency", function(sample)
  if sample.outcome ~= "reply" then return end -- as the stock script says
  local factor = is_night(sample.time) and set.night_factor or 1
  if sample.rtt_ms < limit(set.normal_ms, sample.target) * factor then return "Normal", 0 end
  if sample.rtt_ms < limit(set.slow_ms, sample.target) * factor then return "Lenta", 1 end
  return "Muito Lenta", 2
end)
