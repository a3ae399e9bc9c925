test("a nickname is told, and stands before what its owner says", function(t)
  local ana, bia = t:connect(), t:connect()
  local before = ana.name
  ana:says("/nick ana")
  bia:hears(before .. " is now ana")
  ana:says("oi")
  bia:hears("ana: oi")
end)

test("nobody gets a name that somebody has, however it is written", function(t)
  local ana, bia = t:connect(), t:connect()
  ana:says("/nick Ana")
  bia:says("/nick aNA")
  t:equal(bia:heard()[2], "aNA is taken")
  ana:leaves()
  bia:says("/nick ana")
  t:equal(bia.name, "ana")
end)

test("whoever takes the own name again just keeps it", function(t)
  local ana = t:connect()
  ana:says("/nick ana")
  ana:says("/nick ANA")
  t:equal(ana.name, "ANA")
end)

test("names that could fool people or terminals are refused", function(t)
  local ana, bia = t:connect(), t:connect()
  for _, name in ipairs({ "", " ", " a b", " \27[2J", " ana\nbia: oi", " \xFF", " " .. ("x"):rep(21), "x" }) do
    ana:says("/nick" .. name)
  end
  t:equal(ana.name:sub(1, 1), "(")
  local heard = ana:heard()
  t:equal(#heard, 8)
  -- "/nickx" is another command, which does not exist.
  t:equal(heard[8], "Comando desconhecido: /nickx. Envie /ajuda.")
  bia:hears()
end)
