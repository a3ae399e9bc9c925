-- When a mail goes out, and what it says. A report comes for every measurement, and once more when a status has lasted.

local set = relay.settings({
  notify = {
    "choice",
    default = "every",
    choices = { "every", "change", "never" },
    help = "mail every measurement, only statuses that last and their end, or nothing",
  },
})

local function span(seconds)
  local whole = math.floor(seconds + 0.5)
  return ("%02d:%02d:%02d"):format(whole // 3600, whole // 60 % 60, whole % 60)
end

-- What the status before was like, once it is over.
local function past(report)
  local window = report.previous_window
  local lines = { ("Antes: %s, por %s."):format(report.previous, span(report.since - report.previous_since)) }
  if window and window.loss then lines[2] = ("Perda: %.1f %%"):format(100 * window.loss) end
  if window and window.p50 then
    lines[#lines + 1] = ("Percentis: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms"):format(
      window.p50, window.p90, window.p99)
  end
  return "\n\n" .. table.concat(lines, "\n")
end

local function mail(report, status)
  local time = report.sample.rtt_ms
  return {
    subject = "Alerta de latência: " .. status,
    text = ("A conexão ao %s está %s.\nLatência: %s"):format(
      report.target, status, time and ("%.2f ms"):format(time) or "Sem Resposta"),
  }
end

relay.default("alert", function(report)
  if set.notify == "every" then return not report.reprobed and mail(report, report.sample.status) end
  -- That all is well from the start is no news.
  if set.notify == "never" or not report.held or not (report.previous or report.level > 0) then return false end
  local change = mail(report, report.status)
  if report.previous and report.level < report.previous_level then change.text = change.text .. past(report) end
  return change
end)
