-- Who is mailed about a target, and when: by day the team, at night whoever must get up, and only for what is down.

local set = relay.settings({
  day_to = { "string", default = "team@example.org", help = "who is mailed by day" },
  night_to = { "string", default = "on-call@example.org", help = "who is mailed at night" },
  night_from = { "integer", default = 22, min = 0, max = 23, help = "the hour when the night begins" },
  night_until = { "integer", default = 7, min = 0, max = 23, help = "the hour when it ends" },
})

local function is_night(time)
  local hour = os.date("*t", math.floor(time)).hour
  if set.night_from <= set.night_until then return hour >= set.night_from and hour < set.night_until end
  return hour >= set.night_from or hour < set.night_until
end

-- Who heard of each target's trouble: its end is told to all of them.
local told = {}

relay.on("alert", function(report)
  if not report.held then return false end
  local target = report.target
  local to
  if report.level > 0 then
    local night = is_night(report.sample.time)
    if night and report.level < 3 then return false end
    to = { night and set.night_to or set.day_to }
    local heard = told[target] or {}
    told[target] = heard
    if heard[1] ~= to[1] and heard[2] ~= to[1] then heard[#heard + 1] = to[1] end
  else
    to = told[target]
    told[target] = nil
    if not to then return false end
  end
  return {
    subject = ("%s: %s"):format(target, report.status),
    text = ("%s is %s since %s."):format(target, report.status, os.date("%H:%M", math.floor(report.since))),
    to = to,
  }
end)
