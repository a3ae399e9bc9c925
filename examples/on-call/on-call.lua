-- Who is mailed about a target, and when: by day whoever reads the alerts, at night only what somebody must get up for.

local set = relay.settings({
  night_to = { "string", default = "on-call@example.org", help = "who is mailed at night" },
  night_from = { "integer", default = 22, min = 0, max = 23, help = "the hour when the night begins" },
  night_until = { "integer", default = 7, min = 0, max = 23, help = "the hour when it ends" },
})

local function is_night(time)
  local hour = os.date("*t", math.floor(time)).hour
  if set.night_from <= set.night_until then return hour >= set.night_from and hour < set.night_until end
  return hour >= set.night_from or hour < set.night_until
end

-- Whom the last mail about each target went to: the end of the trouble is told to the same.
local told = {}

relay.on("alert", function(report)
  if not report.held then return false end
  local trouble, night = report.level > 0, is_night(report.sample.time)
  if not trouble and not told[report.target] then return false end
  if trouble and night and report.level < 3 then return false end
  local to = trouble and (night and set.night_to or "") or told[report.target]
  told[report.target] = trouble and to or nil
  return {
    subject = ("%s: %s"):format(report.target, report.status),
    text = ("%s is %s since %s."):format(report.target, report.status, os.date("%H:%M", math.floor(report.since))),
    -- Nobody in particular: whoever the settings name.
    to = to ~= "" and to or nil,
  }
end)
