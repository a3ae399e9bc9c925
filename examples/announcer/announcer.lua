-- What becomes of the monitor's targets is told to everybody in the chat.

local set = relay.settings({
  prefix = { "string", default = "*** ", help = "what stands before an announcement" },
})

relay.on("status", function(report)
  -- That all is well from the start is no news.
  if not report.previous and report.level == 0 then return end
  local before = report.previous and (" (was %s)"):format(report.previous) or ""
  relay.send(relay.everyone, ("%s%s is %s%s"):format(set.prefix, report.target, report.status, before))
end)
