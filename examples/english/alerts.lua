-- When a mail goes out: when a status has lasted, and at its end.

relay.default("alert", function(report)
  if not report.held or not (report.previous or report.level > 0) then return false end
  local time = report.sample.rtt_ms
  return {
    subject = ("%s is %s"):format(report.target, report.status:lower()),
    text = ("The connection to %s is %s.\nLatency: %s"):format(
      report.target, report.status:lower(), time and ("%.2f ms"):format(time) or "no answer"),
  }
end)
