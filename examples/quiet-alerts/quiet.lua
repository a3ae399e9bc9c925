-- At night mail comes only for what is down. The rest is kept, and comes in the morning as one mail.

local set = relay.settings({
  from = { "integer", default = 22, min = 0, max = 23, help = "the hour when the night begins" },
  morning = { "string", default = "07:00", help = "when it ends, and what was kept is mailed" },
})

local kept = relay.state("kept", { max = 500, persist = true })

-- In minutes since midnight.
local function minute(text)
  local hours, minutes = text:match("^(%d%d?):(%d%d)$")
  if not hours then error("quiet.morning is a time like 07:00, not " .. text, 0) end
  return hours * 60 + minutes
end

local morning = minute(set.morning)

local function is_night(time)
  local date = os.date("*t", math.floor(time))
  local now, from = date.hour * 60 + date.min, set.from * 60
  if from <= morning then return now >= from and now < morning end
  return now >= from or now < morning
end

relay.on("alert", function(report)
  -- That all is well from the start is no news.
  if not report.held or not (report.previous or report.level > 0) then return false end
  if report.level == 3 or not is_night(report.sample.time) then return end -- as the stock script says
  if report.previous_level == 3 then return end -- that it is over is for whoever got up
  local time = os.date("%H:%M", math.floor(report.since))
  kept[#kept + 1] = ("%s  %s: %s"):format(time, report.target, report.status)
  return false
end)

relay.daily(set.morning, function()
  if #kept == 0 then return end
  local lines = {}
  for number, line in pairs(kept) do
    lines[#lines + 1] = line
    kept[number] = nil
  end
  relay.mail({
    subject = ("The night: %d changes"):format(#lines),
    text = table.concat(lines, "\n") .. "\n",
  })
end)
