-- In tests, texts to a TCP client are told apart as with --framing length.

test("a text keeps its line breaks for those who have lengths", function(t)
  local ana, bia = t:connect("tcp", "10.0.0.1:1"), t:connect("tcp", "10.0.0.2:1")
  ana:says("um\ndois\r\n")
  bia:hears("('10.0.0.1', 1)\num\ndois\r\n")
end)

test("those who have none read one line", function(t)
  local caio, eva = t:connect("udp", "10.0.0.3:1"), t:connect("udp", "10.0.0.4:1")
  caio:says("oi")
  eva:says("oi")
  caio:hears("('10.0.0.4', 1) disse: oi")
  caio:says("um\ndois")
  eva:hears("('10.0.0.3', 1) disse: um dois")
end)
