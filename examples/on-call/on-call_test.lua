local function subjects(t)
  local list = {}
  for i, mail in ipairs(t:mails()) do list[i] = mail.subject .. " > " .. table.concat(mail.to, " ") end
  return list
end

local target = "127.0.0.1:12345: "

test("by day the team hears of what lasts, and of its end", { at = "2026-01-05 12:00" }, function(t)
  t:measure(10)
  for _ = 1, 3 do t:measure(200) end
  for _ = 1, 3 do t:measure(10) end
  t:equal(subjects(t), { target .. "Lenta > team@example.org", target .. "Normal > team@example.org" })
end)

test("at night only what is down gets somebody up", { at = "2026-01-05 23:00" }, function(t)
  t:measure(10)
  for _ = 1, 3 do t:measure(200) end
  t:equal(subjects(t), {})
  t:measure("timeout")
  t:equal(subjects(t), { target .. "Inativa > on-call@example.org" })
end)

test("the hours are settings", { at = "2026-01-05 12:00", settings = { ["on-call.night_from"] = 11 } }, function(t)
  t:measure(10)
  for _ = 1, 3 do t:measure(200) end
  t:equal(subjects(t), {})
end)
