local night = { at = "2026-01-05 23:00", settings = { ["alerts.notify"] = "change" } }

local function subjects(t)
  local list = {}
  for i, mail in ipairs(t:mails()) do list[i] = mail.subject end
  return list
end

test("what is slow at night comes in the morning", night, function(t)
  t:measure(10)
  for _ = 1, 3 do t:measure(200) end
  for _ = 1, 3 do t:measure(10) end
  t:equal(subjects(t), {})
  t:advance(8 * 3600)
  local mails = t:mails()
  t:equal(#mails, 1)
  t:equal(mails[1].subject, "The night: 2 changes")
  t:equal(mails[1].text, "23:00  127.0.0.1:12345: Lenta\n23:00  127.0.0.1:12345: Normal\n")
  t:advance(24 * 3600)
  t:equal(t:mails(), {})
end)

test("what is down comes at once, and its end too", night, function(t)
  t:measure(10)
  t:measure("timeout")
  t:equal(subjects(t), { "Alerta de latência: Inativa" })
  for _ = 1, 3 do t:measure(10) end
  t:equal(subjects(t), { "Alerta de latência: Normal" })
end)

test("by day nothing is kept", { at = "2026-01-05 12:00", settings = { ["alerts.notify"] = "change" } }, function(t)
  t:measure(10)
  for _ = 1, 3 do t:measure(200) end
  t:equal(subjects(t), { "Alerta de latência: Lenta" })
end)

test("the morning is a setting", { at = "2026-01-05 23:00", settings = { ["quiet.morning"] = "23:30" } }, function(t)
  t:measure(10)
  for _ = 1, 3 do t:measure(200) end
  t:advance(3600)
  t:equal(subjects(t), { "The night: 1 changes" })
end)
