test("one person hears it, and nobody else", function(t)
  local ana, bia, eva = t:connect(), t:connect(), t:connect()
  ana:says(("/msg %s psst"):format(bia.name))
  bia:hears(ana.name .. " says to you alone: psst")
  ana:hears("said to " .. bia.name)
  eva:hears()
end)

test("a name that nobody has is told, and the text goes nowhere", function(t)
  local ana, bia = t:connect(), t:connect()
  for _, rest in ipairs({ "", " ", " nobody secret", " " .. bia.name, " " .. bia.name .. "x secret" }) do
    ana:says("/msg" .. rest)
  end
  t:equal(#ana:heard(), 5)
  ana:says(("/msg %s  "):format(bia.name))
  t:equal(ana:heard()[6], "there is nothing to say")
  bia:hears()
end)

test("bytes that are no text arrive as replacement characters", function(t)
  local ana, bia = t:connect(), t:connect()
  ana:says(("/msg %s a\xFFb"):format(bia.name))
  bia:hears(ana.name .. " says to you alone: a\u{FFFD}b")
end)
